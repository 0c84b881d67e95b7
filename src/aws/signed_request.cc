#include "aws/signed_request.h"

#include "aws/sigv4.h"
#include "base/time_format.h"

namespace postglass::aws {

Result<net::HttpClient::Request> Sign(net::HttpClient::Request request,
                                      const Credentials& credentials,
                                      const CallScope& scope,
                                      Timestamp now) {
  ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(request.url));
  net::HttpRequest to_sign;
  to_sign.method = request.method;
  to_sign.target = url.target;
  to_sign.body = std::move(request.body);
  to_sign.headers = std::move(request.headers);
  to_sign.headers.Set("Host", url.authority());
  if (!credentials.session_token.empty()) {
    to_sign.headers.Set("X-Amz-Security-Token", credentials.session_token);
  }
  SignRequest(
      to_sign,
      {credentials.access_key_id, FormatCompactUtc(now).substr(0, 8), scope.region, scope.service},
      credentials.secret_access_key,
      now);
  to_sign.headers.Remove("Host");  // the client adds it
  request.body = std::move(to_sign.body);
  request.headers = std::move(to_sign.headers);
  return request;
}

}  // namespace postglass::aws
