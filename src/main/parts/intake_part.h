#pragma once

#include <memory>

#include "intake/firehose_hook.h"
#include "intake/intake.h"
#include "intake/sns_hook.h"
#include "intake/sqs_source.h"
#include "main/parts/access_part.h"
#include "main/parts/part_context.h"
#include "main/parts/store_part.h"
#include "net/http.h"
#include "net/http_client.h"
#include "pipelines/engine.h"

namespace postglass {

// How events come in: the Datadog-compatible intake, the hooks that Amazon calls, and the queue of
// Amazon's that is polled.
struct IntakePart {
  static Result<std::unique_ptr<IntakePart>> Make(PartContext& context,
                                                  AccessPart& access,
                                                  StorePart& store);

  // What fetches events by itself.
  void Start();
  void RequestStop();
  void Stop();

  // What the hook of SNS and the polled queue did not believe, the newest first.
  std::vector<intake::Refusal> Refusals() const;

  std::unique_ptr<pipelines::Engine> engine;
  std::unique_ptr<intake::Intake> intake;
  std::unique_ptr<intake::IssuerFetchingChainChecker> chain;
  std::unique_ptr<intake::SnsHook> sns_hook;
  std::unique_ptr<intake::FirehoseHook> firehose_hook;
  std::unique_ptr<intake::SqsSource> sqs_source;  // null: no queue is polled
  net::HttpHandler handler;
  std::unique_ptr<net::HttpClient> loopback;  // to our own intake, without a socket
};

}  // namespace postglass
