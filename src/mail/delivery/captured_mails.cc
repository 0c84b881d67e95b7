#include "mail/delivery/captured_mails.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "mail/delivery/record_bytes.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kContext = "captured-mail";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kPlacesMax = 20'000;
constexpr std::size_t kListMax = 1'000;
constexpr std::chrono::seconds kTrimEvery{10};
// A mail is captured within seconds; when the disk was full, later.
constexpr std::chrono::hours kCapturedWithin{2};
// The journal's clock and the message id's are read apart.
constexpr std::chrono::seconds kClockSlack{5};

std::string Encode(const Mail& mail, const std::vector<std::string>& recipients, Timestamp now) {
  RecordWriter out;
  out.Reserve(mail.raw.size() + 512);
  out.Number(kVersion);
  out.Text(mail.message_id);
  out.Time(now);
  out.Text(mail.source);
  out.Number(recipients.size());
  for (const std::string& recipient : recipients) out.Text(recipient);
  out.Text(mail.subject);
  out.Text(mail.raw);
  return out.Take();
}

Result<CapturedMail> Decode(std::string_view bytes) {
  RecordReader in(bytes);
  if (in.Number() != kVersion) {
    return Fail(ErrorCode::kUnsupported, "captured mail of another version");
  }
  CapturedMail mail;
  mail.message_id = in.Text();
  mail.captured_at = in.Time();
  mail.source = in.Text();
  mail.recipients.resize(in.Count());
  for (std::string& recipient : mail.recipients) recipient = in.Text();
  mail.subject = in.Text();
  mail.raw = in.Text();
  mail.raw_bytes = mail.raw.size();
  if (!in.finished()) return Fail(ErrorCode::kCorruption, "captured mail is cut short");
  return mail;
}

}  // namespace

Result<std::unique_ptr<CapturedMails>> CapturedMails::Open(FileSystem& fs,
                                                           const Clock& clock,
                                                           Metrics& metrics,
                                                           const SecretBox& box,
                                                           const Path& dir,
                                                           Options options) {
  std::unique_ptr<CapturedMails> mails(new CapturedMails(clock, metrics, box, options));
  journal::Options journal_options;
  journal_options.file_bytes_max = options.file_bytes_max;
  journal_options.durability = options.durability;
  journal_options.commit_spacing = options.commit_spacing;
  journal_options.name = "captured";
  ASSIGN_OR_RETURN(mails->journal_,
                   journal::Journal::Open(fs, clock, metrics, dir, journal_options));
  mails->Trim();
  return mails;
}

CapturedMails::CapturedMails(const Clock& clock,
                             Metrics& metrics,
                             const SecretBox& box,
                             Options options)
    : clock_(clock),
      box_(box),
      options_(options),
      bytes_(metrics.GetGauge("postglass_mail_captured_bytes", "Captured mails on disk")),
      mails_(metrics.GetCounter("postglass_mail_captured_total", "Mails captured")) {}

void CapturedMails::Add(const Mail& mail,
                        const std::vector<std::string>& recipients,
                        std::function<void(Status)> done) {
  std::vector<std::string> payloads;
  payloads.push_back(box_.Seal(kContext, Encode(mail, recipients, clock_.Now())));
  journal_->AppendAsync(
      std::move(payloads),
      [this, id = mail.message_id, done = std::move(done)](Result<journal::Sequence> sequence) {
        if (!sequence) return done(Fail(std::move(sequence.error())));
        Remember(id, *sequence);
        mails_.Add();
        done({});
      });
  bool trim = false;
  {
    MutexLock lock(mutex_);
    const std::chrono::nanoseconds now = clock_.Monotonic();
    if (now - trimmed_at_ >= kTrimEvery) {
      trimmed_at_ = now;
      trim = true;
    }
  }
  if (trim) Trim();
}

Result<std::vector<CapturedMail>> CapturedMails::List(std::size_t limit) const {
  std::vector<CapturedMail> mails;
  const journal::Sequence last = journal_->durable_sequence();
  const journal::Sequence first = journal_->first_sequence();
  const std::uint64_t count = std::min<std::uint64_t>(std::min(limit, kListMax), last + 1 - first);
  if (count == 0) return mails;
  ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader,
                   journal_->Read(last - count));
  const Timestamp cutoff = Cutoff();
  while (mails.size() < count) {
    ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
    if (!record) break;
    const Result<std::string> bytes = box_.Unseal(kContext, record->payload);
    Result<CapturedMail> mail = bytes ? Decode(*bytes) : Fail(bytes.error());
    if (!mail) {
      log::Warn("mail", "captured mail {}: {}", record->sequence, mail.error().message);
      continue;
    }
    if (mail->captured_at < cutoff) continue;
    mail->raw.clear();
    mails.push_back(std::move(*mail));
  }
  std::reverse(mails.begin(), mails.end());
  // A crash between capturing and noting it captures again: the newest counts.
  std::set<std::string> seen;
  std::erase_if(mails,
                [&seen](const CapturedMail& mail) { return !seen.insert(mail.message_id).second; });
  return mails;
}

Result<CapturedMail> CapturedMails::Get(const std::string& message_id) const {
  std::optional<journal::Sequence> place;
  {
    MutexLock lock(mutex_);
    const auto known = places_.find(message_id);
    if (known != places_.end()) place = known->second;
  }
  if (place) {
    Result<CapturedMail> mail = Read(*place);
    if (mail && mail->captured_at >= Cutoff()) return mail;
  } else if (const std::optional<Timestamp> sent_at = MessageIdTime(message_id)) {
    ASSIGN_OR_RETURN(const journal::Sequence first, FirstSince(*sent_at - kClockSlack));
    ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader,
                     journal_->Read(first - 1));
    const Timestamp latest = *sent_at + kCapturedWithin;
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
      if (!record || record->written_at > latest) break;
      const Result<std::string> bytes = box_.Unseal(kContext, record->payload);
      if (!bytes) continue;
      Result<CapturedMail> mail = Decode(*bytes);
      if (mail && mail->message_id == message_id && mail->captured_at >= Cutoff()) return mail;
    }
  }
  return Fail(ErrorCode::kNotFound, fmt::format("no captured mail {}", message_id));
}

void CapturedMails::Trim() {
  bytes_.Set(static_cast<double>(journal_->size_bytes()));
  const journal::Sequence next = journal_->durable_sequence() + 1;
  Result<journal::Sequence> keep_from = FirstSince(Cutoff());
  if (!keep_from) return;
  // Too much: drop the share of the records that is over. Records differ in size, so it may take
  // another pass; each comes closer.
  constexpr int kPassesMax = 8;
  for (int pass = 0; pass < kPassesMax; ++pass) {
    if (const Status trimmed = journal_->TrimBefore(*keep_from); !trimmed) {
      log::Warn("mail", "cannot remove captured mails: {}", trimmed.error().message);
      return;
    }
    const std::uint64_t size = journal_->size_bytes();
    const journal::Sequence first = journal_->first_sequence();
    if (size <= options_.bytes_max || first >= next) break;
    const double over = static_cast<double>(size - options_.bytes_max) / static_cast<double>(size);
    const auto drop = static_cast<journal::Sequence>(static_cast<double>(next - first) * over) + 1;
    keep_from = std::min(next, std::max(*keep_from, first) + drop);
  }
  bytes_.Set(static_cast<double>(journal_->size_bytes()));
}

Timestamp CapturedMails::Cutoff() const { return clock_.Now() - options_.retention; }

Result<CapturedMail> CapturedMails::Read(journal::Sequence sequence) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader,
                   journal_->Read(sequence - 1));
  ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
  if (!record || record->sequence != sequence) {
    return Fail(ErrorCode::kNotFound, "captured mail was removed or is damaged");
  }
  ASSIGN_OR_RETURN(const std::string bytes, box_.Unseal(kContext, record->payload));
  return Decode(bytes);
}

Result<journal::Sequence> CapturedMails::FirstSince(Timestamp t) const {
  journal::Sequence low = journal_->first_sequence();
  journal::Sequence high = journal_->durable_sequence() + 1;
  while (low < high) {
    const journal::Sequence middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader,
                     journal_->Read(middle - 1));
    ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
    if (!record || record->written_at >= t) {
      high = middle;
    } else {
      low = record->sequence + 1;
    }
  }
  return low;
}

void CapturedMails::Remember(const std::string& message_id, journal::Sequence sequence) {
  MutexLock lock(mutex_);
  if (places_.insert_or_assign(message_id, sequence).second) order_.push_back(message_id);
  if (order_.size() > kPlacesMax) {
    places_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace postglass::mail
