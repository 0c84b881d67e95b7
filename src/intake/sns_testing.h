#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/time_format.h"
#include "intake/certificate_chain.h"
#include "intake/intake_testing.h"

// Messages that Amazon SNS has really sent, and what believes them.

namespace postglass::intake {

inline std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Believes the certificates it was given, as long as the dates of the genuine ones last.
class PinnedChain final : public CertificateChainChecker {
 public:
  Status Check(const std::string& pem,
               const std::vector<std::string>& host_names,
               Timestamp now) override {
    names = host_names;
    if (std::find(pinned.begin(), pinned.end(), pem) == pinned.end()) {
      return Fail(ErrorCode::kPermissionDenied, "unable to get local issuer certificate");
    }
    if (now > valid_until) return Fail(ErrorCode::kPermissionDenied, "certificate has expired");
    return {};
  }

  std::vector<std::string> pinned;
  std::vector<std::string> names;
  Timestamp valid_until = *ParseIso8601("2026-10-14T23:59:59Z");
};

// The certificates of the genuine messages in `folder`, where they say that they are.
inline void ServeGenuineCertificates(const std::filesystem::path& folder,
                                     FakeHttpClient& client,
                                     PinnedChain& chain) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".pem") continue;
    chain.pinned.push_back(ReadAll(entry.path()));
    for (const char* region : {"us-east-2", "us-west-2"}) {
      client.answers[std::string("https://sns.") + region + ".amazonaws.com/" +
                     entry.path().filename().string()] =
          net::TextResponse(200, chain.pinned.back());
    }
  }
}

}  // namespace postglass::intake
