#include "bench/load_target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/json.h"

namespace postglass::bench {
namespace {

Result<std::string> ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Fail(ErrorCode::kNotFound, fmt::format("cannot read {}", path));
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

std::string TextAt(const json::object& root, std::string_view path) {
  const json::value* found = json::FindPath(root, path);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

Status ReadCredentials(const std::string& credentials_file, LoadTarget& target) {
  ASSIGN_OR_RETURN(const std::string text, ReadAll(credentials_file));
  ASSIGN_OR_RETURN(const json::object credentials, json::ParseObject(text));
  target.access_key_id = TextAt(credentials, "aws.access_key_id");
  target.secret_access_key = TextAt(credentials, "aws.secret_access_key");
  target.region = TextAt(credentials, "aws.region");
  target.smtp_user = TextAt(credentials, "smtp.user");
  target.smtp_password = TextAt(credentials, "smtp.password");
  target.api_key = TextAt(credentials, "api_key");
  target.application_key = TextAt(credentials, "application_key");
  return {};
}

Result<LoadTarget> ReadLoadTarget(const std::string& data_dir,
                                  const std::string& credentials_file) {
  ASSIGN_OR_RETURN(const std::string text, ReadAll(data_dir + "/listening.json"));
  ASSIGN_OR_RETURN(const json::object listening, json::ParseObject(text));
  LoadTarget target;
  RETURN_IF_ERROR(ReadCredentials(credentials_file, target));
  ASSIGN_OR_RETURN(target.ca_pem, ReadAll(data_dir + "/tls/ca.pem"));
  target.http_url = TextAt(listening, "http");
  target.smtps = TextAt(listening, "smtps");
  target.pid = json::GetInt(listening, "pid").value_or(0);
  return target;
}

double ProcessorSeconds(std::int64_t pid) {
  const auto text = ReadAll(fmt::format("/proc/{}/stat", pid));
  if (!text) return 0;
  // Behind the name in parentheses: state is field 3, utime 14, stime 15 (proc(5)).
  std::istringstream fields(text->substr(text->rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double ResidentMegabytes(std::int64_t pid) {
  const auto text = ReadAll(fmt::format("/proc/{}/status", pid));
  if (!text) return 0;
  const std::size_t at = text->find("VmRSS:");
  if (at == std::string::npos) return 0;
  return std::strtod(text->c_str() + at + 6, nullptr) * 1024 / 1e6;
}

Result<double> ReadMetric(net::HttpClient& client, const std::string& url, std::string_view name) {
  net::HttpClient::Request request;
  request.url = url + "/metrics";
  ASSIGN_OR_RETURN(const net::HttpResponse response, client.Send(request));
  std::istringstream lines(response.body);
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name) || line.size() == name.size()) continue;
    if (line[name.size()] != ' ' && line[name.size()] != '{') continue;
    sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

}  // namespace postglass::bench
