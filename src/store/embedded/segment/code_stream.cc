#include "store/embedded/segment/code_stream.h"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>
#include <vector>

#include "store/coding.h"
#include "store/compress.h"
#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"

namespace postglass::store {

namespace {

enum class Form : std::uint8_t { kNumbers, kCodes, kDifferences, kRecent };

constexpr std::size_t kSampleCodes = 16 << 10;
constexpr int kLevel = 1;

// The codes as `form` writes them. Below 2^32 each: differences wrap.
std::vector<std::uint32_t> Transform(const Codes& codes, Form form, std::size_t count) {
  std::vector<std::uint32_t> out(count);
  codes.Visit([&](const auto& values) {
    std::uint32_t last = 0;
    switch (form) {
      case Form::kDifferences:
        for (std::size_t i = 0; i < count; ++i) {
          const std::uint32_t code = values[i];
          const std::uint32_t step = code - last;
          out[i] = (step << 1) ^ (0U - (step >> 31));
          last = code;
        }
        break;
      case Form::kRecent:  // `last` is the next code that was not met yet, as it would be
        for (std::size_t i = 0; i < count; ++i) {
          const std::uint32_t code = values[i];
          const std::uint32_t step = code - last;
          out[i] = (step << 1) ^ (0U - (step >> 31));
          last = std::max(last, code + 1);
        }
        break;
      default:
        for (std::size_t i = 0; i < count; ++i) out[i] = values[i];
        break;
    }
  });
  return out;
}

// Bytes of equal weight stand together: the high ones are nearly always the same.
std::string Planes(const std::vector<std::uint32_t>& numbers, unsigned planes) {
  std::string out(planes * numbers.size(), '\0');
  for (unsigned plane = 0; plane < planes; ++plane) {
    char* to = out.data() + plane * numbers.size();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      to[i] = static_cast<char>(numbers[i] >> (8 * plane));
    }
  }
  return out;
}

unsigned PlanesFor(const std::vector<std::uint32_t>& numbers) {
  std::uint32_t all = 0;
  for (const std::uint32_t n : numbers) all |= n;
  return std::max(1U, (static_cast<unsigned>(std::bit_width(all)) + 7) / 8);
}

std::string EncodePlanes(const Codes& codes, Form form, std::size_t count) {
  const std::vector<std::uint32_t> numbers = Transform(codes, form, count);
  const unsigned planes = PlanesFor(numbers);
  std::string out;
  PutFixed(out, static_cast<std::uint8_t>(form));
  PutFixed(out, static_cast<std::uint8_t>(planes));
  out += Compress(Planes(numbers, planes), kLevel);
  return out;
}

std::string EncodeNumbers(const Codes& codes) {
  std::vector<std::uint64_t> numbers(codes.size());
  codes.Visit([&](const auto& values) {
    for (std::size_t i = 0; i < values.size(); ++i) numbers[i] = values[i];
  });
  std::string out;
  PutFixed(out, static_cast<std::uint8_t>(Form::kNumbers));
  NumberArray::Append(out, numbers);
  return out;
}

// Which form of planes is shortest, by the first of the codes.
Form BestPlanes(const Codes& codes, std::uint32_t dictionary_size) {
  if (dictionary_size <= 256) return Form::kCodes;
  const std::size_t count = std::min(codes.size(), kSampleCodes);
  Form best = Form::kCodes;
  std::size_t best_bytes = ~std::size_t{0};
  for (const Form form : {Form::kCodes, Form::kDifferences, Form::kRecent}) {
    const std::size_t bytes = EncodePlanes(codes, form, count).size();
    if (bytes < best_bytes) {
      best = form;
      best_bytes = bytes;
    }
  }
  return best;
}

template <class T>
void Undo(Form form, std::vector<T>& values, const std::vector<std::uint32_t>& numbers) {
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::uint32_t step = (numbers[i] >> 1) ^ (0U - (numbers[i] & 1));
    const std::uint32_t code = last + step;
    values[i] = static_cast<T>(code);
    last = form == Form::kRecent ? std::max(last, code + 1) : code;
  }
}

// As above, into 32 bits first where the code must be checked before it is cut.
std::vector<std::uint32_t> FromPlanes(std::string_view bytes, unsigned planes, std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  for (unsigned plane = 0; plane < planes; ++plane) {
    const char* from = bytes.data() + plane * count;
    for (std::size_t i = 0; i < count; ++i) {
      numbers[i] |= std::uint32_t{static_cast<unsigned char>(from[i])} << (8 * plane);
    }
  }
  return numbers;
}

tl::unexpected<Error> NoCodes() {
  return Fail(ErrorCode::kCorruption, "codes that are none of this dictionary");
}

template <class T>
Result<Codes> Finish(std::vector<T> values, std::uint32_t dictionary_size) {
  T max = 0;
  for (const T value : values) max = std::max(max, value);
  if (!values.empty() && max >= dictionary_size) return NoCodes();
  return Codes(std::move(values));
}

// Codes as narrow as Codes::Pack() makes them, given by a fill of 32-bit numbers or less.
template <class Fill>
Result<Codes> MakeCodes(std::uint32_t count, std::uint32_t dictionary_size, Fill fill) {
  if (dictionary_size <= 256) {
    Codes::Narrow values(count);
    fill(values);
    return Finish(std::move(values), dictionary_size);
  }
  if (dictionary_size <= 65'536) {
    Codes::Medium values(count);
    fill(values);
    return Finish(std::move(values), dictionary_size);
  }
  Codes::Wide values(count);
  fill(values);
  return Finish(std::move(values), dictionary_size);
}

}  // namespace

std::string EncodeCodes(const Codes& codes, std::uint32_t dictionary_size) {
  std::string numbers = EncodeNumbers(codes);
  if (numbers.size() < 256) return numbers;
  std::string planes = EncodePlanes(codes, BestPlanes(codes, dictionary_size), codes.size());
  // Numbers are quicker to read, so planes have to save something.
  return planes.size() < numbers.size() - numbers.size() / 10 ? planes : numbers;
}

namespace {

bool IsPacked(std::string_view bytes) {
  return !bytes.empty() &&
         static_cast<std::uint8_t>(bytes[0]) == static_cast<std::uint8_t>(Form::kNumbers);
}

std::optional<NumberArray> TakePacked(std::string_view bytes, std::uint32_t count) {
  ByteReader in(bytes.substr(1));
  std::optional<NumberArray> numbers = NumberArray::Take(in, count);
  if (!numbers || !in.AtEnd() || numbers->size() != count) return std::nullopt;
  return numbers;
}

Result<Codes> UnpackNumbers(const NumberArray& numbers, std::uint32_t dictionary_size) {
  return MakeCodes(
      numbers.size(), dictionary_size, [&](auto& values) { numbers.CopyTo(values.data()); });
}

Result<Codes> DecodePlanes(std::string_view bytes,
                           std::uint32_t count,
                           std::uint32_t dictionary_size) {
  ByteReader in(bytes);
  const auto form = in.Fixed<std::uint8_t>();
  const unsigned planes = in.Fixed<std::uint8_t>();
  if (!in.ok() || form > static_cast<std::uint8_t>(Form::kRecent) || planes < 1 || planes > 4) {
    return NoCodes();
  }
  if (std::uint64_t{planes} * count > kExtentBytesMax) return NoCodes();
  std::string raw;
  RETURN_IF_ERROR(Decompress(in.Take(in.remaining()), std::size_t{planes} * count, raw));
  if (static_cast<Form>(form) == Form::kCodes && planes == 1) {
    return MakeCodes(count, dictionary_size, [&](auto& values) {
      for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<unsigned char>(raw[i]);
    });
  }
  const std::vector<std::uint32_t> numbers = FromPlanes(raw, planes, count);
  return MakeCodes(count, dictionary_size, [&](auto& values) {
    if (static_cast<Form>(form) == Form::kCodes) {
      using T = typename std::remove_reference_t<decltype(values)>::value_type;
      for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(numbers[i]);
    } else {
      Undo(static_cast<Form>(form), values, numbers);
    }
  });
}

}  // namespace

StoredCodes::StoredCodes(std::variant<NumberArray, Codes> codes) : codes_(std::move(codes)) {
  if (const auto* numbers = std::get_if<NumberArray>(&codes_)) {
    std::tie(min_, max_) = numbers->Bounds();
    return;
  }
  std::get<Codes>(codes_).Visit([&](const auto& values) {
    if (values.size() == 0) return;
    min_ = values[0];
    max_ = values[0];
    for (std::size_t i = 0; i < values.size(); ++i) {
      min_ = std::min<std::uint64_t>(min_, values[i]);
      max_ = std::max<std::uint64_t>(max_, values[i]);
    }
  });
}

Result<StoredCodes> StoredCodes::Parse(std::shared_ptr<const Buffer> owner,
                                       std::string_view bytes,
                                       std::uint32_t count,
                                       std::uint32_t dictionary_size) {
  if (!IsPacked(bytes)) {
    ASSIGN_OR_RETURN(Codes codes, DecodePlanes(bytes, count, dictionary_size));
    return StoredCodes(std::move(codes));
  }
  std::optional<NumberArray> numbers = TakePacked(bytes, count);
  if (!numbers) return NoCodes();
  StoredCodes stored(std::move(*numbers));
  stored.owner_ = std::move(owner);
  return stored;
}

Result<StoredCodes> StoredCodes::ParseTight(std::string_view bytes,
                                            std::uint32_t count,
                                            std::uint32_t dictionary_size) {
  if (IsPacked(bytes)) {
    const auto own = std::make_shared<const Buffer>(bytes);
    ASSIGN_OR_RETURN(StoredCodes packed, Parse(own, own->view(), count, dictionary_size));
    packed.own_bytes_ = own->size();
    return packed;
  }
  ASSIGN_OR_RETURN(StoredCodes stored, Parse(nullptr, bytes, count, dictionary_size));
  stored.Tighten();
  return stored;
}

void StoredCodes::Tighten() {
  const Codes* const codes = whole();
  const auto width = static_cast<unsigned>(std::bit_width(max_ - min_));
  if (PackedBytes(codes->size(), width) >= codes->memory_bytes() / 4 * 3) return;
  std::string packed;
  codes->Visit([&](const auto& values) { NumberArray::AppendPlain(packed, values, min_, width); });
  owner_ = std::make_shared<const Buffer>(packed);
  own_bytes_ = packed.size();
  ByteReader in(owner_->view());
  codes_ = *NumberArray::Take(in, codes->size());
}

std::uint32_t StoredCodes::size() const {
  return std::visit([](const auto& codes) { return static_cast<std::uint32_t>(codes.size()); },
                    codes_);
}

Code StoredCodes::operator[](std::size_t i) const {
  return std::visit([i](const auto& codes) { return static_cast<Code>(codes[i]); }, codes_);
}

Result<Codes> StoredCodes::Unpack(std::uint32_t dictionary_size) const {
  if (whole() != nullptr) return *whole();
  return UnpackNumbers(std::get<NumberArray>(codes_), dictionary_size);
}

std::size_t StoredCodes::memory_bytes() const {
  return sizeof(*this) + own_bytes_ +
         std::visit([](const auto& codes) { return codes.memory_bytes(); }, codes_);
}

Result<Codes> DecodeCodes(std::string_view bytes,
                          std::uint32_t count,
                          std::uint32_t dictionary_size) {
  if (!IsPacked(bytes)) return DecodePlanes(bytes, count, dictionary_size);
  const std::optional<NumberArray> numbers = TakePacked(bytes, count);
  if (!numbers) return NoCodes();
  return UnpackNumbers(*numbers, dictionary_size);
}

}  // namespace postglass::store
