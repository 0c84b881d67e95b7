#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/coding.h"

namespace postglass::store {

// The form of texts that are alike but for some runs of letters and digits: ids, times, replies of
// mail servers. What varies becomes one number after another ("limbs") in the mixed radix of the
// characters met at each place, so a random id takes its bits and a counter next to none.
//
// A text's signature is the text with each run of [0-9A-Za-z_] replaced by one NUL byte; bytes from
// 0x80 on make it have none. Texts of one signature share a template.
class TextTemplate {
 public:
  // Learns from texts of one signature what varies.
  class Learner;

  // Nothing when the text has none (or too many runs, or too long ones).
  static std::optional<std::string> SignatureOf(std::string_view text);

  std::size_t limbs() const { return limbs_; }

  // Writes the limbs of a text that it learned from. Requires: made by the learner, not taken.
  void Split(std::string_view text, std::uint64_t* limbs) const;
  // Appends the text. Any limbs give some text; its length is bounded by the template.
  void Join(const std::uint64_t* limbs, std::string& out) const;

  // Without a blank: more likely an id than a sentence.
  bool is_id() const { return signature_.find(' ') == std::string::npos; }

  // Whether a folded word could be a run of these texts; as good as what was learned of lengths and
  // characters.
  bool MayHoldWord(std::string_view folded_word) const;

  void Append(std::string& out) const;
  static std::optional<TextTemplate> Take(ByteReader& in);

  std::size_t memory_bytes() const;

 private:
  // A run of the texts: constant, or `length_min` to `length_max` characters that vary.
  struct Run {
    std::string constant;  // not empty: that is all
    std::uint32_t length_min = 0;
    std::uint32_t length_max = 0;
    std::vector<std::string> chars;  // ascending; one a place, or one for all when lengths differ

    bool fixed() const { return length_min == length_max; }

    const std::string& CharsAt(std::size_t place) const {
      return chars.size() == 1 ? chars[0] : chars[place];
    }
  };

  // One digit of a limb: the length of a run, or the character at a place of it.
  struct Digit {
    std::uint32_t radix = 1;
    std::uint32_t limb = 0;
  };

  bool Prepare();  // false when there are too many digits
  void PrepareSplit();

  std::string signature_;
  std::vector<Run> runs_;
  // Of all runs that vary, in order: the length (when it varies), then the places.
  std::vector<Digit> digits_;
  std::vector<std::uint32_t> limb_ends_;  // by limb: end of its digits
  // For Split() alone, by set of characters: a column's templates would take more than its index.
  std::vector<std::array<std::uint8_t, 256>> ranks_;
  std::size_t limbs_ = 0;
};

class TextTemplate::Learner {
 public:
  // Requires: texts of equal signature.
  void Add(std::string_view text);
  // Nothing when more varies than a template holds.
  std::optional<TextTemplate> Finish(std::string_view signature) const;

 private:
  struct Seen {
    std::string first;
    bool constant = true;
    std::uint32_t length_min = ~0U;
    std::uint32_t length_max = 0;
    std::vector<std::array<std::uint64_t, 2>> chars;  // by place, a bit for each of ASCII
  };

  std::vector<Seen> runs_;
};

}  // namespace postglass::store
