#include "main/commands/store_care.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "api/erase_api.h"
#include "base/json.h"
#include "main/commands/progress.h"
#include "main/local_store.h"
#include "main/server_client.h"
#include "store/embedded/store_check.h"

namespace postglass {
namespace {

Path StoreOf(const CommandContext& context, const StoreCareFlags& flags) {
  return context.DataPath(flags.data) / "store";
}

store::StoreProgress Show(ProgressLine& line) {
  return [&line](std::uint64_t done, std::uint64_t total) { line.Update(done, total); };
}

json::array Sentences(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& sentence : list) array.emplace_back(sentence);
  return array;
}

void PrintSentences(std::string_view title, const std::vector<std::string>& list) {
  if (list.empty()) return;
  Print(fmt::format("{}\n", title));
  for (const std::string& sentence : list) Print(fmt::format("  {}\n", sentence));
}

json::object ToJson(const store::StoreCheck& check) {
  return {{"segments", check.segments},
          {"events_sealed", check.events_sealed},
          {"events_in_journal", check.events_in_journal},
          {"bytes", check.bytes},
          {"problems", Sentences(check.problems)}};
}

std::string Summary(const store::StoreCheck& check) {
  return fmt::format("{} events in {} segments and {} in the journal, {}",
                     check.events_sealed,
                     check.segments,
                     check.events_in_journal,
                     BytesText(check.bytes));
}

Result<json::object> EraseAnywhere(const CommandContext& context, const StoreCareFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto server = ServerClient::Connect(context.fs, data, ServerFlags{});
  if (server) {
    ASSIGN_OR_RETURN(
        json::value answer,
        (*server)->CallJson(
            "POST", api::kErasePath, json::Serialize(json::object{{"address", flags.address}})));
    return answer.is_object() ? std::move(answer.get_object()) : json::object();
  }
  if (server.error().code != ErrorCode::kUnavailable) return Fail(server.error());
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalStore> local, LocalStore::Open(context, data));
  ProgressLine line(context.clock, "erase");
  ASSIGN_OR_RETURN(const store::EraseReceipt receipt,
                   local->store().Erase(flags.address, Show(line)));
  return api::ReceiptJson(receipt);
}

}  // namespace

int RunVerifyStore(const CommandContext& context, const StoreCareFlags& flags) {
  const Result<store::StoreCheck> check = [&] {
    ProgressLine line(context.clock, "verify");
    return store::CheckStore(context.fs, context.clock, StoreOf(context, flags), Show(line));
  }();
  if (!check) return FailWith(check.error());
  if (flags.json) {
    Print(json::Serialize(ToJson(*check)) + "\n");
  } else {
    PrintSentences("damaged:", check->problems);
    Print(Summary(*check) + (check->problems.empty() ? ": all is well.\n" : ".\n"));
  }
  if (check->problems.empty()) return kExitOk;
  return FailWith(
      {ErrorCode::kCorruption, "the store is damaged; postglass repair keeps the rest"});
}

int RunRepairStore(const CommandContext& context, const StoreCareFlags& flags) {
  const Result<store::StoreRepair> repair = [&] {
    ProgressLine line(context.clock, "repair");
    return store::RepairStore(context.fs, context.clock, StoreOf(context, flags), Show(line));
  }();
  if (!repair) return FailWith(repair.error());
  if (flags.json) {
    Print(json::Serialize(json::object{{"found", ToJson(repair->found)},
                                       {"damaged_files_in", repair->damaged_dir.string()},
                                       {"done", Sentences(repair->done)},
                                       {"lost", Sentences(repair->lost)}}) +
          "\n");
    return kExitOk;
  }
  PrintSentences("damaged:", repair->found.problems);
  PrintSentences("done:", repair->done);
  PrintSentences("lost:", repair->lost);
  if (repair->found.problems.empty() && repair->done.empty()) {
    Print(Summary(repair->found) + ": nothing to repair.\n");
  }
  return kExitOk;
}

int RunInspectStore(const CommandContext& context, const StoreCareFlags& flags) {
  std::optional<store::SegmentId> segment;
  if (!flags.segment.empty()) {
    const char* end = flags.segment.data() + flags.segment.size();
    store::SegmentId id = 0;
    const auto [stop, error] = std::from_chars(flags.segment.data(), end, id);
    if (error != std::errc() || stop != end) {
      return FailWith({ErrorCode::kInvalidArgument, "--segment takes a number"});
    }
    segment = id;
  }
  const auto contents = store::InspectStore(context.fs, StoreOf(context, flags), segment);
  if (!contents) return FailWith(contents.error());
  const auto share = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) /
           static_cast<double>(std::max<std::uint64_t>(1, contents->events));
  };
  if (flags.json) {
    json::array parts;
    for (const store::Segment::Part& part : contents->parts) {
      parts.push_back(json::object{{"name", part.name},
                                   {"encoding", part.encoding},
                                   {"bytes", part.bytes},
                                   {"distinct", part.distinct}});
    }
    Print(json::Serialize(json::object{{"segments", contents->segments},
                                       {"events", contents->events},
                                       {"bytes", contents->bytes},
                                       {"parts", std::move(parts)}}) +
          "\n");
    return kExitOk;
  }
  Print(fmt::format("{} segments, {} events, {}, {:.1f} bytes an event\n",
                    contents->segments,
                    contents->events,
                    BytesText(contents->bytes),
                    share(contents->bytes)));
  for (const store::Segment::Part& part : contents->parts) {
    Print(fmt::format("{:>10} {:>7.2f} {:>9}  {:<44} {}\n",
                      BytesText(part.bytes),
                      share(part.bytes),
                      part.distinct,
                      part.name,
                      part.encoding));
  }
  return kExitOk;
}

int RunErase(const CommandContext& context, const StoreCareFlags& flags) {
  if (!flags.yes) {
    return FailWith({ErrorCode::kInvalidArgument,
                     "erasing cannot be undone; say --yes to do it (backups keep their copies)"});
  }
  const Result<json::object> receipt = EraseAnywhere(context, flags);
  if (!receipt) return FailWith(receipt.error());
  const std::int64_t erased = json::GetInt(*receipt, "events_erased").value_or(0);
  const json::array* left = json::GetArray(*receipt, "not_erased");
  if (flags.json) {
    Print(json::Serialize(*receipt) + "\n");
  } else {
    Print(fmt::format("{} events are erased; {} of {} segments were written anew.\n",
                      erased,
                      json::GetInt(*receipt, "segments_rewritten").value_or(0),
                      json::GetInt(*receipt, "segments_searched").value_or(0)));
  }
  if (left != nullptr && !left->empty()) {
    for (const json::value& sentence : *left) {
      if (sentence.is_string()) {
        std::fprintf(stderr, "postglass: %s\n", std::string(sentence.get_string()).c_str());
      }
    }
    return FailWith({ErrorCode::kCorruption,
                     "what is named above may still hold the address; repair, then erase again"});
  }
  return erased > 0 ? kExitOk : kExitNothingFound;
}

}  // namespace postglass
