#include "functions/runtime_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/json.h"
#include "forwarder/runtime_client.h"
#include "functions/child_process.h"
#include "functions/functions_testing.h"
#include "functions/process_sandbox.h"

namespace postglass::functions {
namespace {

constexpr std::chrono::seconds kLong{60};  // never waited for in full

net::HttpRequest Request(std::string method, std::string target, std::string body = {}) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

struct Api {
  SystemClock clock;
  SeededRandom random{3};
  RuntimeApi api{"arn:aws:lambda:us-east-1:000000000000:function:forwarder", clock, random};
};

// The forwarder's own program against the API, both in this process.
TEST(RuntimeApi, FeedsTheForwarder) {
  Api f;
  const net::HttpHandler handler = [&](const net::HttpRequest& request) {
    return f.api.Handle(request);
  };
  const auto runtime = net::MakeLoopbackClient(handler);
  FakeIntake intake;
  const std::string token = f.api.StartSandbox();
  std::thread child([&] {
    EXPECT_EQ(forwarder::RunForwarder({{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1/" + token},
                                       {"DD_API_KEY", std::string(kTestApiKey)},
                                       {"DD_URL", "http://127.0.0.1:2"}},
                                      *runtime,
                                      intake),
              1);
  });
  const InvocationReply good = f.api.Invoke(R"({"Records":[{"n":1},{"n":2}]})", kLong);
  EXPECT_TRUE(good.succeeded) << good.error_message;
  EXPECT_EQ(good.payload, R"({"statusCode":200,"forwarded":2})");
  ASSERT_EQ(intake.requests().size(), 1U);
  const std::string sent = *net::DecodeContent("gzip", intake.requests()[0].body, 1 << 20);
  EXPECT_NE(
      sent.find(
          R"("invoked_function_arn":"arn:aws:lambda:us-east-1:000000000000:function:forwarder")"),
      std::string::npos);

  intake.AnswerWith(403);
  const InvocationReply bad = f.api.Invoke(R"({"Records":[{}]})", kLong);
  EXPECT_FALSE(bad.succeeded);
  EXPECT_EQ(bad.error_type, "Forwarder.ApiKeyRefused");
  EXPECT_EQ(bad.error_message, "the intake answered 403 Forbidden: the API key was refused");
  f.api.Stop();
  child.join();
}

TEST(RuntimeApi, GivesTheHeadersOfLambda) {
  Api f;
  const std::string base = "/" + f.api.StartSandbox() + "/2018-06-01/runtime/";
  std::thread caller([&] { EXPECT_TRUE(f.api.Invoke("{}", kLong).succeeded); });
  const std::int64_t before = f.clock.Now().millis();
  const net::HttpResponse next = f.api.Handle(Request("GET", base + "invocation/next"));
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(next.body, "{}");
  EXPECT_GE(std::stoll(std::string(next.headers.Get("Lambda-Runtime-Deadline-Ms"))),
            before + 60'000);
  EXPECT_EQ(next.headers.Get("Lambda-Runtime-Invoked-Function-Arn"),
            "arn:aws:lambda:us-east-1:000000000000:function:forwarder");
  EXPECT_TRUE(next.headers.Get("Lambda-Runtime-Trace-Id").starts_with("Root=1-"));
  const std::string id(next.headers.Get("Lambda-Runtime-Aws-Request-Id"));
  EXPECT_EQ(f.api.Handle(Request("POST", base + "invocation/other/response", "{}")).status, 400);
  EXPECT_EQ(f.api.Handle(Request("POST", base + "invocation/" + id + "/response", "{}")).status,
            202);
  EXPECT_EQ(f.api.Handle(Request("POST", base + "invocation/" + id + "/response", "{}")).status,
            400);
  caller.join();
}

TEST(RuntimeApi, TurnsStrangersAway) {
  Api f;
  const std::string good = "/" + f.api.StartSandbox();
  for (const char* path :
       {"/2018-06-01/runtime/invocation/next", "/x/2018-06-01/runtime/invocation/next", "/", ""}) {
    EXPECT_EQ(f.api.Handle(Request("GET", path)).status, 403) << path;
  }
  EXPECT_EQ(f.api.Handle(Request("GET", good + "/2018-06-01/runtime/other")).status, 404);
  EXPECT_EQ(f.api.Handle(Request("POST", good + "/2018-06-01/runtime/invocation")).status, 404);
  EXPECT_EQ(f.api.Handle(Request("GET", good)).status, 404);
}

TEST(RuntimeApi, RefusesAResponseThatIsTooLarge) {
  Api f;
  const std::string base = "/" + f.api.StartSandbox() + "/2018-06-01/runtime/";
  InvocationReply reply;
  std::thread caller([&] { reply = f.api.Invoke("{}", kLong); });
  const auto next = f.api.Handle(Request("GET", base + "invocation/next"));
  const std::string id(next.headers.Get("Lambda-Runtime-Aws-Request-Id"));
  EXPECT_EQ(f.api
                .Handle(Request("POST",
                                base + "invocation/" + id + "/response",
                                std::string(RuntimeApi::kResponseBytesMax + 1, 'x')))
                .status,
            413);
  caller.join();
  EXPECT_EQ(reply.error_type, "Function.ResponseSizeTooLarge");
}

TEST(RuntimeApi, AnEndedSandboxFailsItsInvocationAndItsLongPollTakesNoMore) {
  Api f;
  const std::string old_base = "/" + f.api.StartSandbox() + "/2018-06-01/runtime/";
  InvocationReply reply;
  std::thread caller([&] { reply = f.api.Invoke("{}", kLong); });
  EXPECT_EQ(f.api.Handle(Request("GET", old_base + "invocation/next")).status, 200);
  std::thread poll(
      [&] { EXPECT_GE(f.api.Handle(Request("GET", old_base + "invocation/next")).status, 400); });
  f.api.EndSandbox("the process ended with exit code 137");
  caller.join();
  poll.join();
  EXPECT_FALSE(reply.succeeded);

  const std::string base = "/" + f.api.StartSandbox() + "/2018-06-01/runtime/";
  EXPECT_EQ(f.api.Handle(Request("GET", old_base + "invocation/next")).status, 403);
  std::thread init([&] { reply = f.api.Invoke("{}", kLong); });
  while (f.api.Handle(Request("GET", base + "invocation/next")).status != 200) {
  }
  f.api.Handle(Request("POST", base + "init/error", R"({"errorMessage":"no key"})"));
  init.join();
  EXPECT_EQ(reply.error_message, "no key");
}

TEST(RuntimeApi, EndsAnInvocationAtItsTimeout) {
  Api f;
  const std::string base = "/" + f.api.StartSandbox() + "/2018-06-01/runtime/";
  InvocationReply reply;
  std::thread caller([&] { reply = f.api.Invoke("{}", std::chrono::milliseconds(20)); });
  const auto next = f.api.Handle(Request("GET", base + "invocation/next"));
  caller.join();
  EXPECT_TRUE(reply.timed_out);
  EXPECT_EQ(reply.error_message, "Task timed out after 0.02 seconds");
  const std::string id(next.headers.Get("Lambda-Runtime-Aws-Request-Id"));
  EXPECT_EQ(f.api.Handle(Request("POST", base + "invocation/" + id + "/response", "{}")).status,
            400);
}

// Lines of a child, from its own thread.
struct Lines {
  void Add(std::string_view line) {
    MutexLock lock(mutex);
    text += std::string(line) + "|";
  }

  std::string Get() {
    MutexLock lock(mutex);
    return text;
  }

  Mutex mutex;
  std::string text;
};

TEST(ChildProcess, RunsWithACleanEnvironmentAndHandsLinesOver) {
  Lines lines;
  int code = 0;
  {
    auto child = ChildProcess::Start(
        {"/bin/sh",
         {"-c", "echo $A$HOME; echo error >&2; ls /proc/self/fd | tr '\\n' ' '; exit 7"},
         {{"A", "b"}, {"PATH", "/bin:/usr/bin"}},
         [&](std::string_view line) { lines.Add(line); }});
    ASSERT_TRUE(child) << child.error().message;
    code = (*child)->Wait();
  }
  EXPECT_EQ(code, 7);
  // 3 is the directory that ls itself reads.
  EXPECT_EQ(lines.Get(), "b|error|0 1 2 3 |");
}

TEST(ChildProcess, IsKilledWithItsGroup) {
  auto child = ChildProcess::Start(
      {"/bin/sh", {"-c", "sleep 600 & sleep 600"}, {{"PATH", "/bin:/usr/bin"}}, {}});
  ASSERT_TRUE(child);
  (*child)->Kill();
  EXPECT_EQ((*child)->Wait(), 128 + 9);
  (*child)->Kill();
  EXPECT_EQ((*child)->Wait(), 128 + 9);
}

TEST(ChildProcess, SaysWhatCannotBeStarted) {
  const auto child = ChildProcess::Start({"/nonexistent/program", {}, {}, {}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::kNotFound);
}

TEST(ChildProcess, HandsOverWhatIsWrittenWhenAskedAndStaysWithinItsLimits) {
  Lines lines;
  auto child =
      ChildProcess::Start({"/bin/sh",
                           {"-c", "ulimit -n; ulimit -c; pwd; printf open; exec sleep 600"},
                           {{"PATH", "/bin:/usr/bin"}},
                           [&](std::string_view line) { lines.Add(line); },
                           "/usr",
                           {.open_files = 64}});
  ASSERT_TRUE(child) << child.error().message;
  while (lines.Get() != "64|0|/usr|open|") (*child)->Drain();
  EXPECT_GT((*child)->PeakMemoryBytes(), 0U);
}

TEST(ChildProcess, DoesNotWaitForOneThatLeftItsGroup) {
  Lines lines;
  auto child = ChildProcess::Start({"/bin/sh",
                                    {"-c", "setsid sleep 2 & echo started; exec sleep 600"},
                                    {{"PATH", "/bin:/usr/bin"}},
                                    [&](std::string_view line) { lines.Add(line); }});
  ASSERT_TRUE(child);
  while (lines.Get().empty()) (*child)->Drain();
  child->reset();
}

// Lines of a sandbox with their request ids.
struct SandboxLines {
  ProcessSandbox::Options OptionsOf(Launch launch) {
    return {std::move(launch), [this](const std::string& id, std::string_view line) {
              lines.Add(fmt::format("{} {}", id, line));
            }};
  }

  Lines lines;
};

TEST(ProcessSandbox, NamesAProgramThatEndsByItself) {
  const SystemClock clock;
  SeededRandom random(5);
  Metrics metrics;
  SandboxLines f;
  const Function function = MakeForwarder({}, kTestApiKey, kTestTopic);
  auto sandbox = ProcessSandbox::Create(
      function,
      f.OptionsOf({"/bin/sh", {"-c", "echo last words; exit 3"}, {}, {}, {}}),
      clock,
      random,
      metrics);
  ASSERT_TRUE(sandbox) << sandbox.error().message;
  const InvocationReply reply = (*sandbox)->Invoke("{}", "id-1");
  EXPECT_FALSE(reply.succeeded);
  EXPECT_EQ(reply.error_message, "the process ended with exit code 3");
  EXPECT_FALSE((*sandbox)->usable());
  EXPECT_NE(f.lines.Get().find("last words"), std::string::npos);
  EXPECT_NE(reply.log_tail.find("START RequestId: id-1 Version: $LATEST\n"), std::string::npos);
  EXPECT_NE(reply.log_tail.find("REPORT RequestId: id-1\tDuration: "), std::string::npos);
}

struct PythonFixture {
  InvocationReply Run(std::string_view source,
                      std::string event,
                      std::string runtime = "python3.12") {
    function.runtime = std::move(runtime);
    function.handler = "app.handler";
    function.timeout_seconds = 60;
    EXPECT_TRUE(fs.WriteFileAtomically(root.path() / "app.py", source));
    auto launch =
        PlanLaunch(function, {}, fs, root.path(), "/usr/bin/python3", {{"GREETING", "hello"}});
    EXPECT_TRUE(launch) << launch.error().message;
    sandbox = *ProcessSandbox::Create(function, log.OptionsOf(*launch), clock, random, metrics);
    return sandbox->Invoke(std::move(event), "id-1");
  }

  const SystemClock clock;
  SeededRandom random{5};
  Metrics metrics;
  PosixFileSystem fs;
  TemporaryDirectory root;
  Function function = MakeForwarder({}, kTestApiKey, kTestTopic);
  SandboxLines log;
  std::unique_ptr<ProcessSandbox> sandbox;
};

TEST(Python, RunsAHandlerAndKeepsTheProcess) {
  if (!std::filesystem::exists("/usr/bin/python3")) GTEST_SKIP() << "no python3";
  PythonFixture f;
  const InvocationReply reply = f.Run(R"(
import os
count = 0
def handler(event, context):
    global count
    count += 1
    print('seen', event['n'])
    assert 0 < context.get_remaining_time_in_millis() <= 60000
    return {'n': event['n'] + count, 'id': context.aws_request_id, 'name': context.function_name,
            'greeting': os.environ['GREETING'], 'home': os.environ.get('HOME')}
)",
                                      R"({"n":1})");
  ASSERT_TRUE(reply.succeeded) << reply.error_message;
  EXPECT_EQ(reply.payload,
            R"({"n": 2, "id": "id-1", "name": "forwarder", "greeting": "hello", "home": null})");
  EXPECT_NE(reply.log_tail.find("seen 1\n"), std::string::npos) << reply.log_tail;
  EXPECT_NE(f.log.lines.Get().find("asks for python3.12"), std::string::npos);
  const InvocationReply warm = f.sandbox->Invoke(R"({"n":1})", "id-2");
  EXPECT_NE(warm.payload.find("\"n\": 3"), std::string::npos) << warm.payload;
}

TEST(Python, SaysWhatWentWrongAsLambdaDoes) {
  if (!std::filesystem::exists("/usr/bin/python3")) GTEST_SKIP() << "no python3";
  PythonFixture f;
  const InvocationReply raised =
      f.Run("def handler(event, context):\n    raise ValueError('no such mail')\n", "{}");
  EXPECT_FALSE(raised.succeeded);
  EXPECT_EQ(raised.error_type, "ValueError");
  EXPECT_EQ(raised.error_message, "no such mail");
  const auto body = *json::ParseObject(raised.payload);
  EXPECT_EQ(json::GetString(body, "requestId"), "id-1");
  EXPECT_NE(json::Serialize(*json::FindPath(body, "stackTrace.0")).find("app.py"),
            std::string::npos);
  EXPECT_TRUE(f.sandbox->usable());

  const InvocationReply missing = f.Run("import xmltodict_missing, requests_oauth\n", "{}");
  EXPECT_EQ(missing.error_type, "Runtime.ImportModuleError");
  const InvocationReply old = f.Run("import urllib2\ndef handler(e, c): pass\n", "{}", "python2.7");
  EXPECT_NE(old.error_message.find("No module named 'urllib2'"), std::string::npos);
  EXPECT_NE(old.error_message.find("in Python 3 it is urllib.request"), std::string::npos);
  const InvocationReply syntax = f.Run("print 'hello'\n", "{}", "python2.7");
  EXPECT_EQ(syntax.error_type, "Runtime.UserCodeSyntaxError");
  EXPECT_NE(syntax.error_message.find("python2.7 asked for"), std::string::npos);
  EXPECT_EQ(f.Run("handler = 1\n", "{}").error_type, "Runtime.HandlerNotFound");
  EXPECT_EQ(f.Run("def handler(e, c): return {1, 2}\n", "{}").error_type, "Runtime.MarshalError");
  EXPECT_EQ(f.Run("import os\ndef handler(e, c): os._exit(5)\n", "{}").error_message,
            "the process ended with exit code 5");
}

TEST(Launch, SaysWhatCannotRun) {
  PythonFixture f;
  const auto error_of = [&](std::string runtime, const Path& python) {
    f.function.runtime = std::move(runtime);
    return PlanLaunch(f.function, {}, f.fs, f.root.path(), python, {}).error();
  };
  EXPECT_EQ(error_of("ruby2.5", "/usr/bin/python3").code, ErrorCode::kUnsupported);
  EXPECT_EQ(error_of("provided.al2023", "/usr/bin/python3").code, ErrorCode::kNotFound);
  EXPECT_NE(error_of("python3.9", "/nowhere").message.find("apt-get install python3"),
            std::string::npos);
}

}  // namespace
}  // namespace postglass::functions
