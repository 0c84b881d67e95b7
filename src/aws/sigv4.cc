#include "aws/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

#include "aws/canonical_request.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr std::chrono::minutes kSkewMax{5};
constexpr std::chrono::seconds kPresignedMax = std::chrono::days(7);
constexpr std::size_t kSignedHeadersMax = 100;  // a client sends about ten

AwsError Incomplete(std::string message) {
  return {400, "IncompleteSignature", std::move(message)};
}

AwsError Mismatch(std::string message) {
  return {403, "SignatureDoesNotMatch", std::move(message)};
}

// The parts of a signature, wherever they came from. Views point into the request or `owned`.
struct Signature {
  bool presigned = false;
  std::string credential;
  std::string signed_headers;
  std::string signature;
  std::string date;     // X-Amz-Date
  std::string expires;  // presigned only, seconds
};

// The value of one "Name=value" part of the Authorization header.
std::string AuthorizationPart(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view part = TrimAscii(header.substr(0, comma));
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') {
      return std::string(part.substr(name.size() + 1));
    }
  }
  return {};
}

// Decoded value of the query parameter `name`, without decoding the others.
std::optional<std::string> QueryParam(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return PercentDecode(pair.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

// The request's time: X-Amz-Date, else Date in either spelling, as yyyymmddThhmmssZ.
std::string DateOf(const net::HttpRequest& request) {
  if (const auto date = request.headers.Find("X-Amz-Date")) return std::string(TrimAscii(*date));
  return std::string(TrimAscii(request.headers.Get("Date")));
}

std::optional<Signature> FindSignature(const net::HttpRequest& request) {
  Signature found;
  const std::string_view authorization = request.headers.Get("Authorization");
  if (authorization.starts_with(kAlgorithm)) {
    const std::string_view parts = authorization.substr(kAlgorithm.size());
    found.credential = AuthorizationPart(parts, "Credential");
    found.signed_headers = AuthorizationPart(parts, "SignedHeaders");
    found.signature = AuthorizationPart(parts, "Signature");
    found.date = DateOf(request);
    return found;
  }
  const std::string_view query = request.query();
  if (QueryParam(query, "X-Amz-Algorithm") != kAlgorithm) return std::nullopt;
  found.presigned = true;
  found.credential = QueryParam(query, "X-Amz-Credential").value_or("");
  found.signed_headers = QueryParam(query, "X-Amz-SignedHeaders").value_or("");
  found.signature = QueryParam(query, "X-Amz-Signature").value_or("");
  found.date = QueryParam(query, "X-Amz-Date").value_or("");
  found.expires = QueryParam(query, "X-Amz-Expires").value_or("");
  return found;
}

std::optional<AwsError> CheckParts(const Signature& signature) {
  std::string missing;
  const std::string_view place = signature.presigned ? "AWS query-string parameters must include"
                                                     : "Authorization header requires";
  const auto require = [&](const std::string& value, std::string_view name) {
    if (!value.empty()) return;
    if (!missing.empty()) missing += ' ';
    missing += signature.presigned ? fmt::format("{} 'X-Amz-{}'.", place, name)
                                   : fmt::format("{} '{}' parameter.", place, name);
  };
  require(signature.credential, "Credential");
  require(signature.signature, "Signature");
  require(signature.signed_headers, "SignedHeaders");
  if (signature.presigned) {
    require(signature.date, "Date");
    require(signature.expires, "Expires");
  } else if (signature.date.empty()) {
    if (!missing.empty()) missing += ' ';
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
  }
  if (missing.empty()) return std::nullopt;
  return Incomplete(std::move(missing));
}

// Splits KEY/yyyymmdd/region/service/aws4_request; a key id may not hold a slash.
std::optional<SignatureScope> ParseCredential(std::string_view credential) {
  std::vector<std::string_view> parts;
  while (parts.size() < 6) {
    const std::size_t slash = credential.find('/');
    parts.push_back(credential.substr(0, slash));
    if (slash == std::string_view::npos) break;
    credential.remove_prefix(slash + 1);
  }
  if (parts.size() != 5 || parts[4] != kTerminator || parts[0].empty()) return std::nullopt;
  return SignatureScope{
      std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
}

std::optional<AwsError> CheckTime(const Signature& signature,
                                  const SignatureScope& scope,
                                  Timestamp now) {
  const std::optional<Timestamp> date = ParseCompactUtc(signature.date);
  if (!date) {
    return Incomplete(
        fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                    "http://en.wikipedia.org/wiki/ISO_8601",
                    signature.date));
  }
  if (std::string_view(signature.date).substr(0, 8) != scope.date) {
    return Mismatch(fmt::format(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
        "from HTTP: '{}' != '{}', from '{}'.",
        scope.date,
        std::string_view(signature.date).substr(0, 8),
        signature.date));
  }
  if (*date > now + kSkewMax) {
    return Mismatch(
        fmt::format("Signature not yet current: {} is still later than {} ({} + 5 min.)",
                    signature.date,
                    FormatCompactUtc(now + kSkewMax),
                    FormatCompactUtc(now)));
  }
  std::chrono::nanoseconds valid_for = kSkewMax;
  if (signature.presigned) {
    std::int64_t seconds = 0;
    const char* const end = signature.expires.data() + signature.expires.size();
    const auto [stop, error] = std::from_chars(signature.expires.data(), end, seconds);
    if (error != std::errc() || stop != end || seconds < 1 || seconds > kPresignedMax.count()) {
      return Incomplete("X-Amz-Expires must be a number of seconds between 1 and 604800.");
    }
    valid_for = std::chrono::seconds(seconds);
  }
  if (*date + valid_for >= now) return std::nullopt;
  if (signature.presigned) return Mismatch("Signature expired: the presigned request has expired.");
  return Mismatch(fmt::format("Signature expired: {} is now earlier than {} ({} - 5 min.)",
                              signature.date,
                              FormatCompactUtc(now - kSkewMax),
                              FormatCompactUtc(now)));
}

std::vector<std::string_view> SplitHeaderList(std::string_view list) {
  std::vector<std::string_view> names;
  while (!list.empty() && names.size() <= kSignedHeadersMax) {
    const std::size_t end = list.find(';');
    names.push_back(list.substr(0, end));
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
  return names;
}

// Headers that decide where the request goes or when it was made must be signed.
std::optional<AwsError> CheckSignedHeaders(const net::HttpRequest& request,
                                           const std::vector<std::string_view>& names,
                                           bool presigned) {
  if (names.size() > kSignedHeadersMax) return Incomplete("Too many SignedHeaders.");
  const auto is_signed = [&names](std::string_view name) {
    return std::any_of(names.begin(), names.end(), [name](std::string_view n) {
      return EqualsIgnoreAsciiCase(n, name);
    });
  };
  if (!is_signed("host") && !is_signed(":authority")) {
    return Mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  for (const std::string_view name : {"x-amz-date", "x-amz-target"}) {
    if (presigned && name == "x-amz-date") continue;
    if (request.headers.Find(name) && !is_signed(name)) {
      return Mismatch(fmt::format("'{}' must be a 'SignedHeader' in the AWS Authorization.", name));
    }
  }
  return std::nullopt;
}

// What stands for the body in the canonical request. An error when the client's own hash of the
// body is not that of the body which arrived.
struct PayloadHash {
  std::string text;
  std::optional<AwsError> error;
};

PayloadHash HashPayload(const net::HttpRequest& request) {
  const std::string_view stated = TrimAscii(request.headers.Get("X-Amz-Content-Sha256"));
  if (stated == kUnsignedPayload) return {std::string(kUnsignedPayload), std::nullopt};
  PayloadHash hash{HexEncode(Sha256(request.body)), std::nullopt};
  if (!stated.empty() && !EqualsIgnoreAsciiCase(stated, hash.text)) {
    hash.error = AwsError{400,
                          "XAmzContentSHA256Mismatch",
                          "The provided 'x-amz-content-sha256' header does not match what was "
                          "computed."};
  }
  return hash;
}

std::string DeriveKey(const SignatureScope& scope, std::string_view secret_access_key) {
  const std::string date_key = HmacSha256(fmt::format("AWS4{}", secret_access_key), scope.date);
  const std::string region_key = HmacSha256(date_key, scope.region);
  return HmacSha256(HmacSha256(region_key, scope.service), kTerminator);
}

std::string StringToSign(std::string_view date,
                         const SignatureScope& scope,
                         std::string_view canonical_request) {
  return fmt::format("{}\n{}\n{}/{}/{}/{}\n{}",
                     kAlgorithm,
                     date,
                     scope.date,
                     scope.region,
                     scope.service,
                     kTerminator,
                     HexEncode(Sha256(canonical_request)));
}

}  // namespace

std::string SigningKeyCache::Get(const SignatureScope& scope, std::string_view secret_access_key) {
  // A newline cannot be in any part: header values hold none.
  const std::string name =
      fmt::format("{}\n{}\n{}\n{}", scope.access_key_id, scope.date, scope.region, scope.service);
  {
    MutexLock lock(mutex_);
    const auto at = entries_.find(name);
    if (at != entries_.end() && at->second.secret_access_key == secret_access_key) {
      return at->second.signing_key;
    }
  }
  std::string key = DeriveKey(scope, secret_access_key);
  MutexLock lock(mutex_);
  // Once a day all entries go out of date together, so dropping all is no loss.
  if (entries_.size() >= kEntriesMax) entries_.clear();
  entries_.insert_or_assign(name, Entry{std::string(secret_access_key), key});
  return key;
}

ScopeOrError ReadScope(const net::HttpRequest& request) {
  const std::optional<Signature> signature = FindSignature(request);
  if (!signature) return {};
  if (auto error = CheckParts(*signature)) return {std::nullopt, std::move(error)};
  std::optional<SignatureScope> scope = ParseCredential(signature->credential);
  if (!scope) {
    return {std::nullopt,
            Incomplete(fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                                   "keyid/date/region/service/term, got '{}'",
                                   signature->credential))};
  }
  return {std::move(scope), std::nullopt};
}

std::optional<AwsError> VerifySignature(const net::HttpRequest& request,
                                        const SignatureScope& scope,
                                        std::string_view secret_access_key,
                                        Timestamp now,
                                        SigningKeyCache* cache) {
  const std::optional<Signature> signature = FindSignature(request);
  if (!signature)
    return AwsError{403, "MissingAuthenticationToken", "Missing Authentication Token"};
  if (auto error = CheckParts(*signature)) return error;
  if (auto error = CheckTime(*signature, scope, now)) return error;
  const std::vector<std::string_view> names = SplitHeaderList(signature->signed_headers);
  if (auto error = CheckSignedHeaders(request, names, signature->presigned)) return error;
  const PayloadHash payload = HashPayload(request);
  if (payload.error) return payload.error;

  const std::string canonical = CanonicalRequest(request,
                                                 {.signed_headers = names,
                                                  .payload_hash = payload.text,
                                                  .s3_path = scope.service == "s3",
                                                  .skip_signature_param = signature->presigned});
  const std::string key =
      cache != nullptr ? cache->Get(scope, secret_access_key) : DeriveKey(scope, secret_access_key);
  const std::string expected =
      HexEncode(HmacSha256(key, StringToSign(signature->date, scope, canonical)));
  if (ConstantTimeEquals(expected, signature->signature)) return std::nullopt;
  return Mismatch(
      "The request signature we calculated does not match the signature you provided. Check your "
      "AWS Secret Access Key and signing method. Consult the service documentation for details.");
}

void SignRequest(net::HttpRequest& request,
                 const SignatureScope& scope,
                 std::string_view secret_access_key,
                 Timestamp now) {
  const std::string date = FormatCompactUtc(now);
  request.headers.Set("X-Amz-Date", date);
  request.headers.Remove("Authorization");
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) names.push_back(AsciiLower(name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  const std::string_view stated = request.headers.Get("X-Amz-Content-Sha256");
  const std::string payload_hash =
      stated.empty() ? HexEncode(Sha256(request.body)) : std::string(stated);
  const std::string canonical = CanonicalRequest(request,
                                                 {.signed_headers = {names.begin(), names.end()},
                                                  .payload_hash = payload_hash,
                                                  .s3_path = scope.service == "s3"});
  const std::string signature = HexEncode(
      HmacSha256(DeriveKey(scope, secret_access_key), StringToSign(date, scope, canonical)));
  request.headers.Add("Authorization",
                      fmt::format("{} Credential={}/{}/{}/{}/{}, SignedHeaders={}, Signature={}",
                                  kAlgorithm,
                                  scope.access_key_id,
                                  scope.date,
                                  scope.region,
                                  scope.service,
                                  kTerminator,
                                  fmt::join(names, ";"),
                                  signature));
}

std::string SmtpPassword(std::string_view secret_access_key, std::string_view region) {
  // The date is this literal for all time, so that the password does not change by the day.
  const SignatureScope scope{"", "11111111", std::string(region), "ses"};
  constexpr char kVersion = 0x04;
  return Base64Encode(kVersion + HmacSha256(DeriveKey(scope, secret_access_key), "SendRawEmail"));
}

}  // namespace postglass::aws
