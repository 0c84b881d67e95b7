#include "store/embedded/segment/text_template.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "store/embedded/segment/limits.h"

namespace postglass::store {

namespace {

constexpr std::size_t kRunsMax = 64;
constexpr std::size_t kSignatureBytesMax = 1024;

constexpr bool IsRunChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr std::array<bool, 256> MakeRunChars() {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 128; ++c) table[c] = IsRunChar(static_cast<char>(c));
  return table;
}

constexpr std::array<bool, 256> kRunChars = MakeRunChars();

bool InRun(char c) { return kRunChars[static_cast<unsigned char>(c)]; }

std::size_t RunEnd(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && InRun(text[end])) ++end;
  return end;
}

// Calls `use(run)` for each run.
template <class F>
void ForEachRun(std::string_view text, F&& use) {
  for (std::size_t i = 0; i < text.size();) {
    if (!InRun(text[i])) {
      ++i;
      continue;
    }
    const std::size_t end = RunEnd(text, i);
    use(text.substr(i, end - i));
    i = end;
  }
}

char AsciiLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool HoldsFolded(const std::string& chars, char folded) {
  return std::any_of(chars.begin(), chars.end(), [&](char c) { return AsciiLower(c) == folded; });
}

}  // namespace

std::optional<std::string> TextTemplate::SignatureOf(std::string_view text) {
  std::string signature;
  std::size_t runs = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (InRun(text[i])) {
      const std::size_t end = RunEnd(text, i);
      if (end - i > kRunBytesMax || ++runs > kRunsMax) return std::nullopt;
      signature += '\0';
      i = end;
      continue;
    }
    if (static_cast<unsigned char>(text[i]) >= 0x80 || text[i] == '\0') return std::nullopt;
    signature += text[i++];
  }
  if (signature.size() > kSignatureBytesMax) return std::nullopt;
  return signature;
}

void TextTemplate::Learner::Add(std::string_view text) {
  std::size_t place = 0;
  ForEachRun(text, [&](std::string_view run) {
    if (place == runs_.size()) {
      runs_.emplace_back();
      runs_.back().first = run;
    }
    Seen& seen = runs_[place++];
    seen.constant = seen.constant && seen.first == run;
    seen.length_min = std::min(seen.length_min, static_cast<std::uint32_t>(run.size()));
    seen.length_max = std::max(seen.length_max, static_cast<std::uint32_t>(run.size()));
    if (seen.chars.size() < run.size()) seen.chars.resize(run.size());
    for (std::size_t i = 0; i < run.size(); ++i) {
      const auto c = static_cast<unsigned char>(run[i]);
      seen.chars[i][c / 64] |= std::uint64_t{1} << (c % 64);
    }
  });
}

std::optional<TextTemplate> TextTemplate::Learner::Finish(std::string_view signature) const {
  const auto chars_of = [](const std::array<std::uint64_t, 2>& bits) {
    std::string chars;
    for (unsigned c = 0; c < 128; ++c) {
      if ((bits[c / 64] >> (c % 64) & 1) != 0) chars += static_cast<char>(c);
    }
    return chars;
  };
  TextTemplate made;
  made.signature_ = signature;
  for (const Seen& seen : runs_) {
    Run run;
    if (seen.constant) {
      run.constant = seen.first;
    } else {
      run.length_min = seen.length_min;
      run.length_max = seen.length_max;
      std::array<std::uint64_t, 2> all{};
      for (const auto& bits : seen.chars) {
        if (run.fixed()) run.chars.push_back(chars_of(bits));
        all[0] |= bits[0];
        all[1] |= bits[1];
      }
      if (!run.fixed()) run.chars.push_back(chars_of(all));
    }
    made.runs_.push_back(std::move(run));
  }
  if (!made.Prepare()) return std::nullopt;
  made.PrepareSplit();
  return made;
}

bool TextTemplate::Prepare() {
  digits_.clear();
  limb_ends_.clear();
  unsigned __int128 product = 1;
  std::uint32_t limb = 0;
  constexpr unsigned __int128 kProductMax = static_cast<unsigned __int128>(1) << 64;
  const auto add = [&](std::size_t radix) {
    if (product * radix > kProductMax) {
      limb_ends_.push_back(static_cast<std::uint32_t>(digits_.size()));
      product = 1;
      ++limb;
    }
    product *= radix;
    digits_.push_back({static_cast<std::uint32_t>(radix), limb});
  };
  for (const Run& run : runs_) {
    if (!run.constant.empty()) continue;
    if (!run.fixed()) add(run.length_max - run.length_min + 1);
    for (std::size_t place = 0; place < run.length_max; ++place) add(run.CharsAt(place).size());
    if (digits_.size() > kTemplateDigitsMax) return false;
  }
  if (!digits_.empty()) limb_ends_.push_back(static_cast<std::uint32_t>(digits_.size()));
  limbs_ = limb_ends_.size();
  return true;
}

void TextTemplate::PrepareSplit() {
  for (const Run& run : runs_) {
    for (const std::string& chars : run.chars) {
      std::array<std::uint8_t, 256> ranks{};
      for (std::size_t rank = 0; rank < chars.size(); ++rank) {
        ranks[static_cast<unsigned char>(chars[rank])] = static_cast<std::uint8_t>(rank);
      }
      ranks_.push_back(ranks);
    }
  }
}

void TextTemplate::Split(std::string_view text, std::uint64_t* limbs) const {
  std::fill_n(limbs, limbs_, 0);
  std::size_t run_index = 0;
  std::size_t digit = 0;
  std::size_t ranks = 0;
  const auto add = [&](std::uint64_t value) {
    const Digit& d = digits_[digit++];
    limbs[d.limb] = limbs[d.limb] * d.radix + value;
  };
  ForEachRun(text, [&](std::string_view part) {
    const Run& run = runs_[run_index++];
    if (!run.constant.empty()) return;
    if (!run.fixed()) add(part.size() - run.length_min);
    for (std::size_t place = 0; place < run.length_max; ++place) {
      const auto& table = ranks_[ranks + (run.chars.size() == 1 ? 0 : place)];
      add(place < part.size() ? table[static_cast<unsigned char>(part[place])] : 0);
    }
    ranks += run.chars.size();
  });
  DCHECK(digit == digits_.size());
}

void TextTemplate::Join(const std::uint64_t* limbs, std::string& out) const {
  std::array<std::uint8_t, kTemplateDigitsMax> values;
  std::size_t begin = 0;
  for (std::size_t limb = 0; limb < limbs_; ++limb) {
    std::uint64_t rest = limbs[limb];
    for (std::size_t i = limb_ends_[limb]; i-- > begin;) {
      const std::uint32_t radix = digits_[i].radix;
      if (radix == 16) {
        values[i] = static_cast<std::uint8_t>(rest & 15);
        rest >>= 4;
      } else if (radix == 10) {
        values[i] = static_cast<std::uint8_t>(rest % 10);
        rest /= 10;
      } else if (radix == 1) {
        values[i] = 0;
      } else {
        values[i] = static_cast<std::uint8_t>(rest % radix);
        rest /= radix;
      }
    }
    begin = limb_ends_[limb];
  }
  std::size_t digit = 0;
  std::size_t run_index = 0;
  for (const char c : signature_) {
    if (c != '\0') {
      out += c;
      continue;
    }
    const Run& run = runs_[run_index++];
    if (!run.constant.empty()) {
      out += run.constant;
      continue;
    }
    std::size_t length = run.length_min;
    if (!run.fixed()) length += values[digit++];
    if (run.chars.size() == 1) {
      for (std::size_t place = 0; place < length; ++place) {
        out += run.chars[0][values[digit + place]];
      }
    } else {
      for (std::size_t place = 0; place < length; ++place) {
        out += run.chars[place][values[digit + place]];
      }
    }
    digit += run.length_max;
  }
}

bool TextTemplate::MayHoldWord(std::string_view folded_word) const {
  const auto equal_folded = [](std::string_view text, std::string_view folded) {
    return std::equal(text.begin(), text.end(), folded.begin(), folded.end(), [](char a, char b) {
      return AsciiLower(a) == b;
    });
  };
  for (const Run& run : runs_) {
    if (!run.constant.empty()) {
      if (equal_folded(run.constant, folded_word)) return true;
      continue;
    }
    if (folded_word.size() < run.length_min || folded_word.size() > run.length_max) continue;
    bool fits = true;
    for (std::size_t i = 0; i < folded_word.size() && fits; ++i) {
      fits = HoldsFolded(run.CharsAt(i), folded_word[i]);
    }
    if (fits) return true;
  }
  return false;
}

void TextTemplate::Append(std::string& out) const {
  PutBytes(out, signature_);
  for (const Run& run : runs_) {
    PutBytes(out, run.constant);
    if (!run.constant.empty()) continue;
    PutVarint(out, run.length_min);
    PutVarint(out, run.length_max);
    PutVarint(out, run.chars.size());
    for (const std::string& chars : run.chars) PutBytes(out, chars);
  }
}

std::size_t TextTemplate::memory_bytes() const {
  constexpr std::size_t kShortBytes = 15;  // a string of so many has no memory of its own
  std::size_t bytes = sizeof(*this) + signature_.capacity() + digits_.size() * sizeof(Digit) +
                      limb_ends_.size() * sizeof(limb_ends_[0]) + ranks_.size() * sizeof(ranks_[0]);
  for (const Run& run : runs_) {
    bytes += sizeof(Run) + run.constant.capacity() + run.chars.size() * sizeof(std::string);
    for (const std::string& chars : run.chars) {
      if (chars.capacity() > kShortBytes) bytes += chars.capacity() + 1;
    }
  }
  return bytes;
}

std::optional<TextTemplate> TextTemplate::Take(ByteReader& in) {
  TextTemplate made;
  made.signature_ = in.Bytes();
  if (made.signature_.size() > kSignatureBytesMax) return std::nullopt;
  const auto runs = std::count(made.signature_.begin(), made.signature_.end(), '\0');
  if (static_cast<std::size_t>(runs) > kRunsMax) return std::nullopt;
  for (std::ptrdiff_t i = 0; i < runs; ++i) {
    Run run;
    run.constant = in.Bytes();
    if (run.constant.empty()) {
      const std::uint64_t length_min = in.Varint();
      const std::uint64_t length_max = in.Varint();
      const std::uint64_t sets = in.Varint();
      if (!in.ok() || length_min > length_max || length_max == 0 || length_max > kRunBytesMax ||
          (sets != 1 && (length_min != length_max || sets != length_max))) {
        return std::nullopt;
      }
      run.length_min = static_cast<std::uint32_t>(length_min);
      run.length_max = static_cast<std::uint32_t>(length_max);
      for (std::uint64_t set = 0; set < sets; ++set) {
        run.chars.emplace_back(in.Bytes());
        if (run.chars.back().empty() || run.chars.back().size() > 128) return std::nullopt;
      }
    } else if (run.constant.size() > kRunBytesMax) {
      return std::nullopt;
    }
    made.runs_.push_back(std::move(run));
  }
  if (!in.ok() || !made.Prepare()) return std::nullopt;
  return made;
}

}  // namespace postglass::store
