#include "main/server_client.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace postglass {
namespace {

// The first sentence a person can use out of any of the error envelopes; empty when there is none.
std::string ErrorTextIn(std::string_view text_of_body) {
  const auto body = json::ParseObject(text_of_body);
  if (!body) return {};
  for (const char* name : {"message", "error", "detail"}) {
    if (const auto text = json::GetString(*body, name)) return std::string(*text);
  }
  if (const json::array* errors = json::GetArray(*body, "errors"); errors && !errors->empty()) {
    const json::value& first = errors->front();
    if (first.is_string()) return std::string(first.get_string());
    if (const json::object* object = first.if_object()) {
      return json::GetStringOr(*object, "detail", json::GetStringOr(*object, "title", ""));
    }
  }
  return {};
}

std::string ErrorText(const net::HttpResponse& response) {
  const std::string text = ErrorTextIn(response.body);
  return text.empty() ? fmt::format("the server answered {}", response.status) : text;
}

ErrorCode CodeOf(int status) {
  if (status == 401 || status == 403) return ErrorCode::kUnauthenticated;
  if (status == 404) return ErrorCode::kNotFound;
  if (status == 429 || status >= 500) return ErrorCode::kUnavailable;
  return ErrorCode::kInvalidArgument;
}

}  // namespace

Error WithReadableMessage(Error error) {
  if (std::string text = ErrorTextIn(error.message); !text.empty()) error.message = std::move(text);
  return error;
}

Result<std::unique_ptr<ServerClient>> ServerClient::Connect(FileSystem& fs,
                                                            const Path& data,
                                                            const ServerFlags& flags) {
  std::unique_ptr<ServerClient> client(new ServerClient);
  net::TrustOptions trust;
  if (!flags.url.empty()) {
    client->url_ = flags.url;
    while (client->url_.ends_with('/')) client->url_.pop_back();
    RETURN_IF_ERROR(net::ParseUrl(client->url_).and_then([](net::Url) { return Status(); }));
    if (!flags.api_key.empty()) client->headers_.Add("DD-API-KEY", flags.api_key);
    if (!flags.application_key.empty()) {
      client->headers_.Add("DD-APPLICATION-KEY", flags.application_key);
    }
    client->client_ = net::MakeHttpClient(trust);
    return client;
  }

  const auto listening_text = fs.ReadFile(data / "listening.json", 64 << 10);
  if (!listening_text) {
    if (listening_text.error().code == ErrorCode::kPermissionDenied) {
      return Fail(listening_text.error());
    }
    return Fail(ErrorCode::kUnavailable,
                fmt::format("no server runs on {}; start one with postglass serve --data {}",
                            data.string(),
                            data.string()));
  }
  ASSIGN_OR_RETURN(const json::object listening, json::ParseObject(*listening_text));
  ASSIGN_OR_RETURN(const std::string key, fs.ReadFile(data / "cli.key", 4096));
  client->url_ = json::GetStringOr(listening, "http", "");
  client->smtp_ = json::GetStringOr(listening, "smtp", "");
  client->headers_.Add(std::string(kCliKeyHeader), std::string(TrimAscii(key)));
  client->client_ = net::MakeHttpClient(trust);
  return client;
}

Result<net::HttpResponse> ServerClient::Call(std::string method,
                                             std::string_view target,
                                             std::string body) {
  net::HttpClient::Request request;
  request.method = std::move(method);
  request.url = url_ + std::string(target);
  request.headers = headers_;
  if (!body.empty()) request.headers.Add("Content-Type", "application/json");
  request.body = std::move(body);
  request.timeout = std::chrono::seconds(120);
  request.response_bytes_max = std::size_t{256} << 20;
  auto response = client_->Send(request);
  if (!response) {
    return Fail(response.error().code,
                fmt::format("{} does not answer: {}", url_, response.error().message));
  }
  if (response->status >= 400) return Fail(CodeOf(response->status), ErrorText(*response));
  return response;
}

Result<json::value> ServerClient::CallJson(std::string method,
                                           std::string_view target,
                                           std::string body) {
  ASSIGN_OR_RETURN(const net::HttpResponse response,
                   Call(std::move(method), target, std::move(body)));
  if (response.body.empty()) return json::value(json::object());
  return json::Parse(response.body);
}

}  // namespace postglass
