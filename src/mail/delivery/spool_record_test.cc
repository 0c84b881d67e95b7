#include "mail/delivery/spool_record.h"

#include <gtest/gtest.h>

#include "mail/delivery/spool_testing.h"

namespace postglass::mail {
namespace {

std::vector<EventDetail> EveryDetail() {
  const Timestamp t{1'700'000'000'123'456'789};
  const std::vector<BouncedRecipient> recipients = {{"a@b.c", "failed", "5.1.1", "smtp; 550"},
                                                    {"d@e.f", "", "", ""}};
  return {
      SendDetail{},
      RejectDetail{"Bad content"},
      DeliveryDetail{t, 1234, {"a@b.c", "d@e.f"}, "250 ok", "mta", "192.0.2.1", "TLSv1.3", "host"},
      BounceDetail{"Permanent", "General", recipients, t, "feedback", "dns; x", "192.0.2.2"},
      ComplaintDetail{{"a@b.c"}, t, "feedback", "", "agent", "abuse", t},
      ComplaintDetail{{"a@b.c"}, t, "feedback", "OnAccountSuppressionList", "", "", {}},
      OpenDetail{t, "192.0.2.3", "agent"},
      ClickDetail{t, "192.0.2.3", "agent", "https://a.example/", {{"k", {"v", "w"}}, {"l", {}}}},
      RenderingFailureDetail{"template", "error"},
      DeliveryDelayDetail{"General", recipients, t, t, "192.0.2.4"},
  };
}

TEST(SpoolRecord, GivesBackWhatWasEncoded) {
  const Mail mail = TestMail(1, {"a@b.c", "d@e.f"}, Timestamp{42});
  const Result<SpoolRecord> accepted = DecodeSpoolRecord(EncodeAccepted(mail));
  ASSERT_TRUE(accepted);
  EXPECT_EQ(EncodeAccepted(std::get<AcceptedRecord>(*accepted).mail), EncodeAccepted(mail));
  EXPECT_EQ(std::get<AcceptedRecord>(*accepted).mail.raw, mail.raw);

  Mail more = mail;
  more.send_object = "{}";
  more.suppressed = {{1, "BOUNCE"}};
  const Result<SpoolRecord> with_more = DecodeSpoolRecord(EncodeAccepted(more));
  ASSERT_TRUE(with_more);
  EXPECT_EQ(std::get<AcceptedRecord>(*with_more).mail.send_object, "{}");
  EXPECT_EQ(std::get<AcceptedRecord>(*with_more).mail.suppressed, more.suppressed);
  const Result<SpoolRecord> copied_more = DecodeSpoolRecord(EncodeCopied(7, more, {}));
  ASSERT_TRUE(copied_more);
  EXPECT_EQ(std::get<CopiedRecord>(*copied_more).mail.suppressed, more.suppressed);

  const std::vector<RecipientState> states = {{3, false, Timestamp{-7}}, {1, true, Timestamp{9}}};
  const Result<SpoolRecord> copied = DecodeSpoolRecord(EncodeCopied(7, mail, states));
  ASSERT_TRUE(copied);
  EXPECT_EQ(std::get<CopiedRecord>(*copied).origin, 7U);
  EXPECT_EQ(std::get<CopiedRecord>(*copied).states, states);

  OutcomeRecord outcome{9, {"id", "set", "{}"}, {}, states};
  for (const EventDetail& detail : EveryDetail()) outcome.events.push_back({detail, {{"n", "v"}}});
  const Result<SpoolRecord> decoded = DecodeSpoolRecord(EncodeOutcome(outcome));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(EncodeOutcome(std::get<OutcomeRecord>(*decoded)), EncodeOutcome(outcome));
  EXPECT_EQ(std::get<OutcomeRecord>(*decoded).events.size(), outcome.events.size());

  for (const EventDetail& detail : EveryDetail()) {
    const MailEvent event{{"id", "set", "{}"}, detail, {{"a", "b"}}};
    const Result<SpoolRecord> back = DecodeSpoolRecord(EncodeEvent(event));
    ASSERT_TRUE(back);
    EXPECT_EQ(EncodeEvent(std::get<EventRecord>(*back).event), EncodeEvent(event));
    EXPECT_EQ(std::get<EventRecord>(*back).event.detail.index(), detail.index());
  }
}

TEST(SpoolRecord, RefusesBytesThatAreNoRecord) {
  const std::string good = EncodeAccepted(TestMail(1, {"a@b.c"}, Timestamp{42}));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeSpoolRecord(std::string_view(good).substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeSpoolRecord(good + "x"));
  EXPECT_EQ(DecodeSpoolRecord("\x63").error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(DecodeSpoolRecord(std::string(20, '\xFF')));
}

}  // namespace
}  // namespace postglass::mail
