#include "store/embedded/exec/leaf_codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "store/event_reader.h"
#include "store/text.h"

namespace postglass::store {

namespace {

// From here on, verifying word hits one by one is more work than going through all values.
constexpr std::size_t kVerifiedShareMax = 8;

template <class T>
std::optional<T> NumberOf(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The test of one leaf on one column.
class LeafCodes {
 public:
  LeafCodes(const Leaf& leaf, const LeafWords& words, const FieldColumn& column, const Table& table)
      : leaf_(leaf), words_(words), node_(*leaf.node), column_(column), table_(table) {}

  Result<CodeSet> Find() {
    if (node_.text_test) {
      if (std::holds_alternative<PhraseTest>(*node_.text_test)) return FindPhrase();
    } else if (std::holds_alternative<EqualTest>(*node_.value_test) ||
               std::holds_alternative<OneOfTest>(*node_.value_test)) {
      return FindTerms();
    } else if (std::holds_alternative<CidrTest>(*node_.value_test)) {
      if (column_.type != ValueType::kString) return CodeSet();  // no number is an address
    }
    RETURN_IF_ERROR(Open());
    if (column_.type != ValueType::kString) return ScanNumbers();
    if (node_.value_test) {
      if (const auto* range = std::get_if<RangeTest>(&*node_.value_test)) return FindRange(*range);
      if (std::holds_alternative<GlobTest>(*node_.value_test)) return FindGlob();
    }
    return ScanTexts();
  }

 private:
  // What the dictionary is read for; look-ups that a filter answers do without it.
  Status Open() {
    if (dictionary_ != nullptr) return {};
    ASSIGN_OR_RETURN(dictionary_, table_.DictionaryOf(column_.column));
    return {};
  }

  // The codes that are values of the field at all.
  Status FindBounds() {
    RETURN_IF_ERROR(Open());
    ASSIGN_OR_RETURN(const auto bounds, CodesOfField(column_, *dictionary_));
    begin_ = bounds.first;
    end_ = bounds.second;
    return {};
  }

  bool Matches(const ValueView& value) {
    if (node_.value_test) return Test(*node_.value_test, value);
    folded_.clear();
    AppendFolded(folded_, value.text);
    return std::visit([&](const auto& test) { return test(folded_); }, *node_.text_test);
  }

  bool MatchesNumber(std::string_view text, double number) {
    return Matches({text, column_.text_only ? std::nullopt : std::optional(number)});
  }

  // ---- terms

  Result<CodeSet> FindTerms() {
    if (column_.type != ValueType::kString) {
      RETURN_IF_ERROR(Open());
      switch (column_.type) {
        case ValueType::kInteger:
          return FindIntegers();
        case ValueType::kDouble:
          return FindDoubles();
        default:
          return ScanNumbers();
      }
    }
    std::vector<Code> codes;
    for (const Leaf::Key& key : leaf_.keys) {
      if (column_.skips_empty && key.text.empty()) continue;
      ASSIGN_OR_RETURN(const bool may_hold, table_.MayHoldFolded(column_.column, key.folded));
      if (!may_hold) continue;
      RETURN_IF_ERROR(Open());
      ASSIGN_OR_RETURN(const std::optional<Code> code, dictionary_->Find(key.text));
      if (code) codes.push_back(*code);
    }
    RETURN_IF_ERROR(FindTermsIgnoringCase(codes));
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    return CodeSet::List(std::move(codes));
  }

  Status FindTermsIgnoringCase(std::vector<Code>& codes) {
    bool scan = false;
    for (const Leaf::Key& key : leaf_.keys_ignoring_case) {
      if (column_.skips_empty && key.text.empty()) continue;
      ASSIGN_OR_RETURN(const bool may_hold, table_.MayHoldFolded(column_.column, key.folded));
      if (!may_hold) continue;
      RETURN_IF_ERROR(Open());
      if (!dictionary_->all_lower_case()) {
        scan = true;
        continue;
      }
      ASSIGN_OR_RETURN(const std::optional<Code> code, dictionary_->Find(key.text));
      if (code) codes.push_back(*code);
    }
    if (!scan) return {};
    ASSIGN_OR_RETURN(const CodeSet found, ScanTexts());
    for (Code code = found.begin(); code < found.end(); ++code) {
      if (found.Contains(code)) codes.push_back(code);
    }
    return {};
  }

  // A number's text reads back as the number, so only numbers that equal a term's can be it.
  Result<CodeSet> FindIntegers() {
    ASSIGN_OR_RETURN(const auto integers, dictionary_->Integers());
    std::vector<Code> codes;
    const auto add_text = [&](const Leaf::Key& key) {
      const std::optional<std::int64_t> wanted = NumberOf<std::int64_t>(key.text);
      if (!wanted || key.text != fmt::format("{}", *wanted)) return;
      const auto at = std::lower_bound(integers.begin(), integers.end(), *wanted);
      if (at != integers.end() && *at == *wanted) {
        codes.push_back(static_cast<Code>(at - integers.begin()));
      }
    };
    for (const Leaf::Key& key : leaf_.keys) add_text(key);
    for (const Leaf::Key& key : leaf_.keys_ignoring_case) add_text(key);
    if (!column_.text_only) {
      for (const double wanted : leaf_.numbers) {
        auto at = std::partition_point(integers.begin(), integers.end(), [&](std::int64_t n) {
          return static_cast<double>(n) < wanted;
        });
        for (; at != integers.end() && static_cast<double>(*at) == wanted; ++at) {
          codes.push_back(static_cast<Code>(at - integers.begin()));
        }
      }
    }
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    return CodeSet::List(std::move(codes));
  }

  Result<CodeSet> FindDoubles() {
    ASSIGN_OR_RETURN(const auto doubles, dictionary_->Doubles());
    std::vector<Code> codes;
    const auto add_equal = [&](double wanted) {
      for (auto at = std::lower_bound(doubles.begin(), doubles.end(), wanted);
           at != doubles.end() && *at == wanted;
           ++at) {
        if (MatchesNumber(NumberText(*at), *at)) {
          codes.push_back(static_cast<Code>(at - doubles.begin()));
        }
      }
    };
    for (const auto* keys : {&leaf_.keys, &leaf_.keys_ignoring_case}) {
      for (const Leaf::Key& key : *keys) {
        if (const auto wanted = NumberOf<double>(key.text)) add_equal(*wanted);
      }
    }
    for (const double wanted : leaf_.numbers) add_equal(wanted);
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    return CodeSet::List(std::move(codes));
  }

  // ---- runs

  // Strings are never numbers, so a range of them is by bytes: a run of codes.
  Result<CodeSet> FindRange(const RangeTest& range) {
    RETURN_IF_ERROR(FindBounds());
    Code begin = begin_;
    Code end = end_;
    if (range.low) {
      ASSIGN_OR_RETURN(const Code place, PlaceOf(range.low->operand.text, !range.low->inclusive));
      begin = std::max(begin, place);
    }
    if (range.high) {
      ASSIGN_OR_RETURN(const Code place, PlaceOf(range.high->operand.text, range.high->inclusive));
      end = std::min(end, place);
    }
    return CodeSet::Range(begin, end);
  }

  // The first code that is not before the text, or the first behind it.
  Result<Code> PlaceOf(std::string_view text, bool behind) {
    std::string key(column_.prefix);
    key += text;
    ASSIGN_OR_RETURN(const Code place, dictionary_->LowerBound(key));
    if (!behind) return place;
    ASSIGN_OR_RETURN(const std::optional<Code> equal, dictionary_->Find(key));
    return equal ? place + 1 : place;
  }

  Result<CodeSet> FindGlob() {
    RETURN_IF_ERROR(FindBounds());
    if (!leaf_.glob_head.empty()) {
      std::string head(column_.prefix);
      head += leaf_.glob_head;
      ASSIGN_OR_RETURN(const auto run, CodesWithPrefix(*dictionary_, head));
      begin_ = std::max(begin_, run.first);
      end_ = std::min(end_, run.second);
      if (leaf_.glob_is_head) return CodeSet::Range(begin_, end_);
    }
    return ScanTextsWithin();
  }

  // ---- scans

  Result<CodeSet> ScanTexts() {
    RETURN_IF_ERROR(FindBounds());
    return ScanTextsWithin();
  }

  Result<CodeSet> ScanTextsWithin() {
    std::vector<Code> codes;
    if (begin_ >= end_) return CodeSet();
    const std::size_t skip = column_.prefix.size();
    // The literal of a pattern with folding is in lower case, which texts may not be.
    const bool literal_first =
        !leaf_.glob_literal.empty() &&
        (std::get<GlobTest>(*node_.value_test).glob.letter_case() == Glob::Case::kExact ||
         dictionary_->all_lower_case());
    RETURN_IF_ERROR(dictionary_->ForEachText(begin_, end_, [&](Code code, std::string_view text) {
      text.remove_prefix(skip);
      if (literal_first &&
          memmem(text.data(), text.size(), leaf_.glob_literal.data(), leaf_.glob_literal.size()) ==
              nullptr) {
        return true;
      }
      if (Matches({text, std::nullopt})) codes.push_back(code);
      return true;
    }));
    return CodeSet::List(std::move(codes));
  }

  Result<CodeSet> ScanNumbers() {
    std::vector<Code> codes;
    switch (column_.type) {
      case ValueType::kInteger: {
        ASSIGN_OR_RETURN(const auto integers, dictionary_->Integers());
        if (const auto run = NumericRun(integers)) return *run;
        for (Code code = 0; code < integers.size(); ++code) {
          const fmt::format_int text(integers[code]);
          if (MatchesNumber({text.data(), text.size()}, static_cast<double>(integers[code]))) {
            codes.push_back(code);
          }
        }
        break;
      }
      case ValueType::kDouble: {
        ASSIGN_OR_RETURN(const auto doubles, dictionary_->Doubles());
        if (const auto run = NumericRun(doubles)) return *run;
        for (Code code = 0; code < doubles.size(); ++code) {
          if (MatchesNumber(NumberText(doubles[code]), doubles[code])) codes.push_back(code);
        }
        break;
      }
      default:
        for (Code code = 0; code < dictionary_->size(); ++code) {
          if (Matches({dictionary_->BoolAt(code) ? "true" : "false", std::nullopt})) {
            codes.push_back(code);
          }
        }
    }
    return CodeSet::List(std::move(codes));
  }

  // A range whose bounds are numbers is a run of the sorted numbers; else nothing.
  template <class T>
  std::optional<CodeSet> NumericRun(std::span<const T> numbers) {
    if (!node_.value_test || column_.text_only) return std::nullopt;
    const auto* range = std::get_if<RangeTest>(&*node_.value_test);
    if (range == nullptr || (range->low && !range->low->operand.number) ||
        (range->high && !range->high->operand.number)) {
      return std::nullopt;
    }
    const auto place = [&](const Bound& bound, bool behind) {
      const double wanted = *bound.operand.number;
      const auto at = std::partition_point(numbers.begin(), numbers.end(), [&](T n) {
        const auto number = static_cast<double>(n);
        return behind ? number <= wanted : number < wanted;
      });
      return static_cast<Code>(at - numbers.begin());
    };
    const Code begin = range->low ? place(*range->low, !range->low->inclusive) : 0;
    const Code end = range->high ? place(*range->high, range->high->inclusive)
                                 : static_cast<Code>(numbers.size());
    return CodeSet::Range(begin, end);
  }

  // ---- words

  Result<CodeSet> FindPhrase() {
    const PhraseTest& phrase = std::get<PhraseTest>(*node_.text_test);
    if (phrase.words.empty()) return CodeSet();
    switch (column_.type) {
      case ValueType::kString:
        return FindWords(phrase);
      case ValueType::kInteger:
        if (!leaf_.may_be_number) return CodeSet();
        return FindIntegerWord(phrase);
      case ValueType::kDouble:
        if (!leaf_.may_be_number) return CodeSet();
        break;
      case ValueType::kBool:
        if (phrase.words.size() > 1 || !leaf_.may_be_bool) return CodeSet();
        break;
    }
    RETURN_IF_ERROR(Open());
    return ScanNumbers();
  }

  // An integer is one word: its digits.
  Result<CodeSet> FindIntegerWord(const PhraseTest& phrase) {
    if (phrase.words.size() > 1) return CodeSet();
    const std::string& word = phrase.words[0];
    RETURN_IF_ERROR(Open());
    ASSIGN_OR_RETURN(const auto integers, dictionary_->Integers());
    std::vector<Code> codes;
    for (const std::string& text : {"-" + word, word}) {
      const std::optional<std::int64_t> wanted = NumberOf<std::int64_t>(text);
      if (!wanted || text != fmt::format("{}", *wanted)) continue;
      const auto at = std::lower_bound(integers.begin(), integers.end(), *wanted);
      if (at != integers.end() && *at == *wanted) {
        codes.push_back(static_cast<Code>(at - integers.begin()));
      }
    }
    return CodeSet::List(std::move(codes));
  }

  Result<CodeSet> FindWords(const PhraseTest& phrase) {
    using Kind = Table::WordHits::Kind;
    if (words_.RulesOut(column_.column)) return CodeSet();
    std::optional<std::vector<Code>> candidates;
    bool all_known = true;
    for (const Table::WordHits& hits : words_.hits()) {
      const Table::WordHits::OfColumn of_column = hits.Of(column_.column);
      if (of_column.kind == Kind::kUnknown) {
        all_known = false;
        continue;
      }
      if (!candidates) {
        candidates = *of_column.codes;
        continue;
      }
      std::vector<Code> both;
      std::set_intersection(candidates->begin(),
                            candidates->end(),
                            of_column.codes->begin(),
                            of_column.codes->end(),
                            std::back_inserter(both));
      candidates = std::move(both);
    }
    if (!candidates) return ScanTexts();
    if (phrase.words.size() == 1 && all_known) return CodeSet::List(std::move(*candidates));
    return VerifyPhrase(std::move(*candidates));
  }

  // That the words follow each other is seen in the values alone.
  Result<CodeSet> VerifyPhrase(std::vector<Code> candidates) {
    if (candidates.empty()) return CodeSet();
    RETURN_IF_ERROR(Open());
    std::vector<Code> codes;
    const std::size_t span = candidates.back() + 1 - candidates.front();
    if (span / kVerifiedShareMax < candidates.size()) {
      auto next = candidates.begin();
      RETURN_IF_ERROR(dictionary_->ForEachText(
          candidates.front(), candidates.back() + 1, [&](Code code, std::string_view text) {
            if (code != *next) return true;
            if (Matches({text, std::nullopt})) codes.push_back(code);
            return ++next != candidates.end();
          }));
      return CodeSet::List(std::move(codes));
    }
    std::string text;
    for (const Code code : candidates) {
      text.clear();
      RETURN_IF_ERROR(dictionary_->AppendText(code, text));
      if (Matches({text, std::nullopt})) codes.push_back(code);
    }
    return CodeSet::List(std::move(codes));
  }

  const Leaf& leaf_;
  const LeafWords& words_;
  const Matcher::Node& node_;
  const FieldColumn& column_;
  const Table& table_;
  std::shared_ptr<const Dictionary> dictionary_;
  Code begin_ = 0;
  Code end_ = 0;
  std::string folded_;
};

}  // namespace

Result<LeafWords> LeafWords::Of(const Leaf& leaf, const Table& table) {
  LeafWords words;
  const auto& test = leaf.node->text_test;
  const PhraseTest* phrase = test ? std::get_if<PhraseTest>(&*test) : nullptr;
  if (phrase == nullptr) return words;
  for (const std::string& word : phrase->words) {
    ASSIGN_OR_RETURN(Table::WordHits hits, table.FindWord(word));
    words.hits_.push_back(std::move(hits));
  }
  return words;
}

bool LeafWords::RulesOut(ColumnIndex column) const {
  return std::any_of(hits_.begin(), hits_.end(), [&](const Table::WordHits& hits) {
    return hits.Of(column).kind == Table::WordHits::Kind::kNone;
  });
}

Result<CodeSet> CodesOfLeaf(const Leaf& leaf,
                            const LeafWords& words,
                            const FieldColumn& column,
                            const Table& table) {
  return LeafCodes(leaf, words, column, table).Find();
}

}  // namespace postglass::store
