#include "bench/store/corpus_file.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "bench/corpus/truth.h"

namespace postglass::bench {

int PrintCorpus(const SesCorpus::Options& options, const std::string& questions_file) {
  SesCorpus corpus(options);
  Truth truth(options.events, corpus.start_ms());
  store::NewEvent entry;
  for (std::uint64_t i = 0; i < options.events; ++i) {
    corpus.Next(entry);
    truth.Note(corpus.facts());
    entry.event.attributes += '\n';
    const std::string& line = entry.event.attributes;
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) return 1;
  }
  if (std::fflush(stdout) != 0) return 1;

  const auto mails = truth.Mails();
  const Truth::KnownMail& mail = mails[mails.size() / 2];
  std::ofstream out(questions_file);
  // No value needs escaping: addresses, ids and numbers.
  out << fmt::format(
      R"({{"events":{},"newest_ms":{},"busy":"{}","busy_count":{},"rare":"{}","rare_count":{},)"
      R"("message_id":"{}","message_count":{},"tenant":"{}","source_ip":"{}","filtered":{},)"
      R"("mailbox":{},"does_not_exist":{},"queued_as":{},"quarantined":{},"password":{}}})",
      truth.events(),
      truth.newest_ms(),
      People::Address(0),
      truth.EventsOf(0),
      People::Address(truth.rare_recipient()),
      truth.EventsOf(truth.rare_recipient()),
      mail.message_id,
      mail.events,
      Tenants()[Truth::kFilterTenant].name,
      SourceIp(Truth::kFilterSourceIp),
      truth.Filtered(),
      truth.mailbox,
      truth.does_not_exist,
      truth.queued_as,
      truth.quarantined,
      truth.password);
  return out.flush() ? 0 : 1;
}

}  // namespace postglass::bench
