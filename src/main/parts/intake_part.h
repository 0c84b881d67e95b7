#pragma once

#include <memory>

#include "intake/firehose_hook.h"
#include "intake/intake.h"
#include "intake/sns_hook.h"
#include "main/parts/access_part.h"
#include "main/parts/part_context.h"
#include "main/parts/store_part.h"
#include "net/http.h"
#include "net/http_client.h"
#include "pipelines/engine.h"

namespace postglass {

// How events come in: the Datadog-compatible intake and the hook that Amazon's SNS calls.
struct IntakePart {
  static Result<std::unique_ptr<IntakePart>> Make(PartContext& context,
                                                  AccessPart& access,
                                                  StorePart& store);

  std::unique_ptr<pipelines::Engine> engine;
  std::unique_ptr<intake::Intake> intake;
  std::unique_ptr<intake::IssuerFetchingChainChecker> chain;
  std::unique_ptr<intake::SnsHook> sns_hook;
  std::unique_ptr<intake::FirehoseHook> firehose_hook;
  net::HttpHandler handler;
  std::unique_ptr<net::HttpClient> loopback;  // to our own intake, without a socket
};

}  // namespace postglass
