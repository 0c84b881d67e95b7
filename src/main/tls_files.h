#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/result.h"
#include "net/tls.h"

namespace postglass {

// The certificates of one installation, in DIR/tls: a CA of its own (ca.pem is what clients trust),
// the server's certificate, and the one that signs SNS messages.
struct TlsFiles {
  std::string ca_pem;
  net::CertificateAndKey server;
  net::CertificateAndKey sns_signing;
};

// Reads them, or makes what is missing. The server's certificate is made anew when it lacks one of
// `names` or has less than 30 days left. With `certificate_file` and `key_file` (both or neither)
// the server's certificate is the operator's own. Errors name the file and what to do.
Result<TlsFiles> LoadOrMakeTlsFiles(FileSystem& fs,
                                    const Clock& clock,
                                    Random& random,
                                    const Path& directory,
                                    const std::vector<std::string>& names,
                                    const std::string& certificate_file,
                                    const std::string& key_file);

}  // namespace postglass
