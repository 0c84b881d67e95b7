// AWS query calls as they come from outside: form bodies, lists, maps, and signatures.

#include <cstddef>
#include <cstdint>
#include <string>

#include "aws/query_protocol.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The first line is the target, the second the Authorization header, the rest the body.
  const std::size_t first = text.find('\n');
  const std::size_t second = first == std::string::npos ? first : text.find('\n', first + 1);
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/" + text.substr(0, first);
  request.headers = {{"Host", "localhost"}, {"X-Amz-Date", "20261123T060000Z"}};
  if (first != std::string::npos) {
    request.headers.Add("Authorization", text.substr(first + 1, second - first - 1));
  }
  if (second != std::string::npos) request.body = text.substr(second + 1);

  aws::Gateway::IsAwsRequest(request);
  const aws::ScopeOrError scope = aws::ReadScope(request);
  CHECK(!(scope.scope && scope.error));
  if (scope.scope) {
    const Timestamp now = Timestamp::FromMillis(1'795'413'600'000);
    // Nobody can sign without the secret.
    CHECK(aws::VerifySignature(request, *scope.scope, "a secret nobody has", now).has_value());
  }
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request);
  if (!params) return 0;
  for (const char* name : {"Tags", "Destination.ToAddresses", "Attributes"}) {
    params->List(name);
    params->StructListSize(name);
    params->Map(name);
  }
  aws::XmlWriter xml;
  xml.Open("A").Text("B", params->action()).Text("C", request.body);
  const std::string out = std::move(xml).Finish();
  CHECK(out.ends_with("</A>"));
  return 0;
}
