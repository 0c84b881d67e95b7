#include "pipelines/engine.h"

#include <gtest/gtest.h>

#include "pipelines/tree.h"

namespace postglass::pipelines {
namespace {

constexpr Timestamp kNow = Timestamp::FromMillis(1'800'000'000'000);

Log LogOf(std::string_view attributes) {
  Log log;
  log.attributes = *json::ParseObject(attributes);
  return log;
}

std::string Attributes(const Log& log) { return json::Serialize(log.attributes); }

template <class Processor>
Log RunStep(const Processor& processor, Log log) {
  Engine({Pipeline{"test", Filter(), {Step{"step", processor}}}}).Process(log, kNow);
  return log;
}

Filter Source(std::string_view source) { return *Filter::Parse("source:" + std::string(source)); }

TEST(Engine, RunsPipelinesInOrderAndTestsTheFilterAtTheirStart) {
  const Engine engine({
      Pipeline{"one", Source("app"), {Step{"a", ServiceRemapper({"svc"})}}},
      Pipeline{"two", *Filter::Parse("service:checkout"), {Step{"b", MessageRemapper({"msg"})}}},
      Pipeline{"three", Source("other"), {Step{"c", StatusRemapper({"level"})}}},
  });
  Log log = LogOf(R"({"svc":"checkout","msg":"paid","level":"error"})");
  log.source = "app";
  EXPECT_EQ(engine.Process(log, kNow), 0U);
  EXPECT_EQ(log.service, "checkout");
  EXPECT_EQ(log.message, "paid");
  EXPECT_EQ(log.status, "");
}

TEST(Engine, KeepsTheEventAndNamesTheStepThatFailed) {
  const Engine engine({Pipeline{"p",
                                Filter(),
                                {Step{"fails", JsonParser({.source = "text"})},
                                 Step{"throws", Builtin([](Log&, Context&) -> Status {
                                        throw std::length_error("too long");
                                      })},
                                 Step{"works", ServiceRemapper({"svc"})}}}});
  Log log = LogOf(R"({"text":"{broken","svc":"s"})");
  EXPECT_EQ(engine.Process(log, kNow), 2U);
  EXPECT_EQ(log.tags, (std::vector<std::string>{"pipeline_error:fails", "pipeline_error:throws"}));
  EXPECT_EQ(log.service, "s");
  EXPECT_EQ(Attributes(log), R"({"text":"{broken","svc":"s"})");
}

TEST(Engine, NestsOneLevelAndNotTwo) {
  const auto third = std::make_shared<const Pipeline>(
      Pipeline{"third", Filter(), {Step{"host", MessageRemapper({"msg"})}}});
  const auto second = std::make_shared<const Pipeline>(
      Pipeline{"second", Source("app"), {Step{"svc", ServiceRemapper({"svc"})}, Step{"x", third}}});
  const Engine engine({Pipeline{"first", Filter(), {Step{"nested", second}}}});
  Log log = LogOf(R"({"svc":"s","msg":"m"})");
  engine.Process(log, kNow);
  EXPECT_EQ(log.service, "");
  log.source = "app";
  engine.Process(log, kNow);
  EXPECT_EQ(log.service, "s");
  EXPECT_EQ(log.message, "");
}

TEST(JsonParser, MergesTheTextIntoTheRoot) {
  const Log log = RunStep(JsonParser({.source = "a.text", .preserve_source = false}),
                          LogOf(R"({"a":{"text":"{\"b\":{\"c\":1},\"d\":2}"},"d":0})"));
  EXPECT_EQ(Attributes(log), R"({"d":2,"b":{"c":1}})");
  Log message;
  message.message = R"( {"x":true})";
  EXPECT_EQ(Attributes(RunStep(JsonParser({.source = "message"}), message)), R"({"x":true})");
  EXPECT_EQ(Attributes(RunStep(JsonParser({.source = "t"}), LogOf(R"({"t":"plain"})"))),
            R"({"t":"plain"})");
}

TEST(DateRemapper, TakesTheFirstSourceThatIsADate) {
  struct Case {
    std::string_view value;
    std::int64_t millis;
  };

  for (const Case& c : {Case{R"("2016-10-19T23:21:04.133Z")", 1476919264133},
                        Case{"1476919264133", 1476919264133},
                        Case{R"("1476919264133")", 1476919264133},
                        Case{"1476919264133.9", 1476919264133},
                        Case{R"("Jan 14 08:00:00")", 1799913600000},
                        Case{R"("Jan  4 08:00:00")", 1799049600000}}) {
    const Log log = RunStep(DateRemapper({"no", "words", "t"}),
                            LogOf(R"({"words":"yesterday","t":)" + std::string(c.value) + "}"));
    EXPECT_EQ(log.timestamp_ms, c.millis) << c.value;
  }
  for (const std::string_view bad :
       {R"("2016")", "true", "1e300", R"("")", "[1]", R"("Foo 14 08:00:00")"}) {
    EXPECT_FALSE(
        RunStep(DateRemapper({"t"}), LogOf(R"({"t":)" + std::string(bad) + "}")).timestamp_ms)
        << bad;
  }
}

TEST(Remappers, OnlyTheFirstOfAKindCounts) {
  const Engine engine({Pipeline{"p",
                                Filter(),
                                {Step{"a", StatusRemapper({"level"})},
                                 Step{"b", StatusRemapper({"other"})},
                                 Step{"c", DateRemapper({"t1"})},
                                 Step{"d", DateRemapper({"t2"})}}}});
  Log log = LogOf(R"({"level":"W","other":"error","t1":1476919264133,"t2":1})");
  engine.Process(log, kNow);
  EXPECT_EQ(log.status, "warn");
  EXPECT_EQ(log.timestamp_ms, 1476919264133);
}

TEST(AttributeRemapper, MovesAndCasts) {
  using R = AttributeRemapper;
  const auto run = [](R::Options options, std::string_view attributes) {
    Log log = LogOf(attributes);
    log.tags = {"env:prod", "team:mail"};
    return RunStep(R(std::move(options)), std::move(log));
  };
  EXPECT_EQ(Attributes(run({.sources = {"x", "a.b"}, .target = "c.d"}, R"({"a":{"b":1}})")),
            R"({"c":{"d":1}})");
  EXPECT_EQ(Attributes(run({.sources = {"l.0"}, .target = "c", .preserve_source = true},
                           R"({"l":["first"]})")),
            R"({"l":["first"],"c":"first"})");
  EXPECT_EQ(Attributes(run({.sources = {"a"}, .target = "b"}, R"({"a":1,"b":2})")),
            R"({"a":1,"b":2})");
  EXPECT_EQ(Attributes(run({.sources = {"a"}, .target = "b", .override_on_conflict = true},
                           R"({"a":1,"b":2})")),
            R"({"b":1})");
  EXPECT_EQ(Attributes(run({.sources = {"a"}, .target = "b", .format = R::Format::kInteger},
                           R"({"a":"12.7"})")),
            R"({"b":12})");
  EXPECT_EQ(Attributes(run({.sources = {"a"}, .target = "b", .format = R::Format::kInteger},
                           R"({"a":"twelve"})")),
            R"({"b":"twelve"})");
  EXPECT_EQ(Attributes(run({.sources = {"a"}, .target = "b", .format = R::Format::kString},
                           R"({"a":12})")),
            R"({"b":"12"})");
  const Log tagged =
      run({.sources = {"a"}, .target = "who", .target_kind = R::Kind::kTag}, R"({"a":"me"})");
  EXPECT_EQ(tagged.tags, (std::vector<std::string>{"env:prod", "team:mail", "who:me"}));
  const Log from_tag =
      run({.sources = {"team"}, .target = "owner", .source_kind = R::Kind::kTag}, "{}");
  EXPECT_EQ(Attributes(from_tag), R"({"owner":"mail"})");
  EXPECT_EQ(from_tag.tags, (std::vector<std::string>{"env:prod"}));
  EXPECT_EQ(run({.sources = {"a"}, .target = "b:c"}, R"({"a":1})").tags.back(),
            "pipeline_error:step");
}

TEST(StringBuilder, FillsTheTemplate) {
  const std::string_view attributes =
      R"({"n":1,"list":["a","b"],"users":[{"name":"x"},{"name":"y"},{}],"o":{"k":1}})";
  const auto build = [&](std::string text, bool replace_missing) {
    const Log log =
        RunStep(StringBuilder({std::move(text), "out", replace_missing}), LogOf(attributes));
    return json::GetStringOr(log.attributes, "out", "(none)");
  };
  EXPECT_EQ(build("%{n} of %{list}: %{users.name}", false), "1 of a,b: x,y");
  EXPECT_EQ(build("%{o}", false), "(none)");
  EXPECT_EQ(build("<%{missing}>", false), "(none)");
  EXPECT_EQ(build("<%{missing}>", true), "<>");
  EXPECT_EQ(build("no end %{n", false), "no end %{n");
  EXPECT_EQ(build(std::string(255, 'x') + "→", false), std::string(255, 'x'));
}

TEST(KeyValueProcessor, TurnsAnArrayIntoAnObject) {
  const std::string_view attributes =
      R"({"h":[{"name":"To","value":"a"},{"name":"X","value":"1"},{"name":"X","value":"2"},{"name":"X","value":"3"},{"value":"?"},7]})";
  using Duplicates = KeyValueProcessor::Duplicates;
  const auto run = [&](std::string target, Duplicates duplicates) {
    return RunStep(KeyValueProcessor({.source = "h",
                                      .key_to_extract = "name",
                                      .value_to_extract = "value",
                                      .target = std::move(target),
                                      .duplicates = duplicates}),
                   LogOf(attributes))
        .attributes;
  };
  EXPECT_EQ(json::Serialize(*json::FindPath(run("t.h", Duplicates::kKeepFirst), "t.h")),
            R"({"To":"a","X":"1"})");
  EXPECT_EQ(json::Serialize(*json::FindPath(run("t.h", Duplicates::kCollect), "t.h")),
            R"({"To":"a","X":["1","2","3"]})");
  EXPECT_EQ(json::GetStringOr(run("", Duplicates::kKeepFirst), "To", ""), "a");
}

TEST(CategoryProcessor, NamesTheFirstThatMatches) {
  const CategoryProcessor processor(
      {{*Filter::Parse("@code:>=500"), "server"}, {*Filter::Parse("@code:>=400"), "client"}},
      "category");
  EXPECT_EQ(Attributes(RunStep(processor, LogOf(R"({"code":503})"))),
            R"({"code":503,"category":"server"})");
  EXPECT_EQ(Attributes(RunStep(processor, LogOf(R"({"code":404})"))),
            R"({"code":404,"category":"client"})");
  EXPECT_EQ(Attributes(RunStep(processor, LogOf(R"({"code":200})"))), R"({"code":200})");
}

TEST(Filter, ReportsAMistakeWithItsPosition) {
  const auto bad = Filter::Parse("source:(sns");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(Filter().Matches(Log{}));
}

TEST(Tree, SetsAndRemovesDottedPaths) {
  json::object o = *json::ParseObject(R"({"a":{"b":1},"a.c":2,"s":"text"})");
  SetPath(o, "a.d.e", 3);
  SetPath(o, "s.t", 4);
  EXPECT_EQ(json::Serialize(o), R"({"a":{"b":1,"d":{"e":3}},"a.c":2,"s":{"t":4}})");
  EXPECT_TRUE(RemovePath(o, "a.c"));
  EXPECT_TRUE(RemovePath(o, "a.d.e"));
  EXPECT_FALSE(RemovePath(o, "a.x"));
  EXPECT_EQ(json::Serialize(o), R"({"a":{"b":1},"s":{"t":4}})");
}

}  // namespace
}  // namespace postglass::pipelines
