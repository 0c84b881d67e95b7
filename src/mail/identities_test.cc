#include "mail/identities.h"

#include <gtest/gtest.h>

#include "mail/mail_testing.h"

namespace postglass::mail {
namespace {

Identity Named(std::string name) {
  Identity identity;
  identity.name = std::move(name);
  return identity;
}

TEST(Identities, SurviveARestart) {
  MailWorld world;
  Identity identity;
  identity.name = "Alice@EXAMPLE.com";
  identity.configuration_set = "main";
  identity.tags = {{"team", "growth"}};
  ASSERT_FALSE(world.identities->Create(identity));
  const auto again = std::move(*Identities::Load({world.account}, world.settings, world.clock));
  const auto found = again->Find("Alice@example.COM");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "Alice@example.com");
  EXPECT_EQ(found->configuration_set, "main");
  EXPECT_EQ(found->tags, identity.tags);
  EXPECT_EQ(found->created_at.millis(), world.clock.Now().millis());
  EXPECT_FALSE(again->Find("alice@example.com"));  // the local part keeps its case
}

TEST(Identities, AnAddressBeatsItsDomainAndDomainsCoverSubdomains) {
  MailWorld world;
  ASSERT_FALSE(world.identities->Ensure("example.com"));
  ASSERT_FALSE(world.identities->Ensure("a@example.com"));
  ASSERT_FALSE(world.identities->Ensure("a@example.com"));
  EXPECT_EQ(world.identities->Covering("a@example.com")->name, "a@example.com");
  EXPECT_EQ(world.identities->Covering("b@Example.com")->name, "example.com");
  EXPECT_EQ(world.identities->Covering("b@x.y.example.com")->name, "example.com");
  EXPECT_FALSE(world.identities->Covering("b@notexample.com"));
  EXPECT_FALSE(world.identities->Covering("b@com"));
}

TEST(Identities, RefuseWhatIsNoneAndWhatIsThere) {
  MailWorld world;
  using Kind = SesError::Kind;
  for (const std::string name :
       {"", "nodot", "a@", "@b.c", "Alice <a@example.com>", "a@b.c, d@e.f", "ex ample.com"}) {
    const SesOutcome outcome = world.identities->Ensure(name);
    ASSERT_TRUE(outcome) << name;
    EXPECT_EQ(outcome->kind, Kind::kInvalidParameter) << name;
  }
  ASSERT_FALSE(world.identities->Create(Named("example.com")));
  EXPECT_EQ(world.identities->Create(Named("Example.com"))->kind, Kind::kIdentityAlreadyExists);
  EXPECT_EQ(world.identities->Delete("other.example")->kind, Kind::kIdentityDoesNotExist);
  EXPECT_FALSE(world.identities->Delete("EXAMPLE.com"));
  EXPECT_TRUE(world.identities->List().empty());
}

TEST(Identities, AFailedWriteChangesNothing) {
  MailWorld world;
  world.settings.FailApply(Error{ErrorCode::kIo, "broken"});
  EXPECT_EQ(world.identities->Ensure("example.com")->kind, SesError::Kind::kUnavailable);
  EXPECT_TRUE(world.identities->List().empty());
}

TEST(Identities, ADamagedDocumentDoesNotStopTheStart) {
  MemorySettings settings;
  ManualClock clock;
  ASSERT_TRUE(settings.Put("identity", "bad", "{"));
  ASSERT_TRUE(settings.Put("identity", "example.com", R"({"name":"example.com"})"));
  const auto loaded = Identities::Load({}, settings, clock);
  ASSERT_TRUE(loaded);
  EXPECT_EQ((*loaded)->List().size(), 1u);
}

TEST(Identities, SandboxChecksRecipientsExceptTheSimulator) {
  MailWorld open;
  EXPECT_EQ(open.identities->CheckSending({"a@b.example"}, {"c@d.example"}), std::nullopt);

  MailWorld strict({.require_verified = true});
  ASSERT_FALSE(strict.identities->Ensure("b.example"));
  EXPECT_EQ(strict.identities->CheckSending({"a@b.example"}, {"c@d.example"}), std::nullopt);
  EXPECT_EQ(strict.identities->CheckSending({"x@y.example", "a@b.example"}, {"c@d.example"}),
            "Email address is not verified. The following identities failed the check in region "
            "US-EAST-1: x@y.example");

  MailWorld sandbox({.sandbox = true});
  ASSERT_FALSE(sandbox.identities->Ensure("b.example"));
  EXPECT_EQ(sandbox.identities->CheckSending({"a@b.example"},
                                             {"bounce+1@simulator.amazonses.com", "c@b.example"}),
            std::nullopt);
  EXPECT_EQ(sandbox.identities->CheckSending({"x@y.example"}, {"c@d.example", "x@y.example"}),
            "Email address is not verified. The following identities failed the check in region "
            "US-EAST-1: x@y.example, c@d.example");
}

}  // namespace
}  // namespace postglass::mail
