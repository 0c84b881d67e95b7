#pragma once

#include <memory>

#include "access/iam_store.h"
#include "access/key_ring.h"
#include "access/sessions.h"
#include "access/users.h"
#include "aws/sns_signature.h"
#include "main/parts/part_context.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace postglass {

// Who may call, and how this server shows who it is.
struct AccessPart {
  static Result<std::unique_ptr<AccessPart>> Make(PartContext& context);

  // Reads the certificate again; errors leave the one in use.
  Status ReloadTls(PartContext& context);

  std::unique_ptr<access::KeyRing> keys;
  std::unique_ptr<access::Users> users;
  std::unique_ptr<access::IamStore> iam;
  std::unique_ptr<access::Sessions> sessions;
  std::shared_ptr<net::TlsServerContext> tls;
  std::unique_ptr<aws::SnsSigner> signer;
  std::unique_ptr<net::HttpClient> readers;  // of simulated readers, who reach us by our own CA
};

}  // namespace postglass
