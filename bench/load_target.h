#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace postglass::bench {

// A running server and what a client of it needs to know.
struct LoadTarget {
  std::string http_url;  // "http://127.0.0.1:N"
  std::string smtps;     // "127.0.0.1:N"
  std::string ca_pem;    // signs the server's certificate
  std::int64_t pid = 0;  // of the server
  std::string access_key_id;
  std::string secret_access_key;
  std::string region;
  std::string smtp_user;
  std::string smtp_password;
  std::string api_key;
  std::string application_key;
};

// From DIR/listening.json, DIR/tls/ca.pem and the output of `postglass init --json`.
Result<LoadTarget> ReadLoadTarget(const std::string& data_dir, const std::string& credentials_file);

// The credentials alone.
Status ReadCredentials(const std::string& credentials_file, LoadTarget& target);

// What the operating system counts of a process. Both 0 when it has ended.
double ProcessorSeconds(std::int64_t pid);  // user and system, all threads
double ResidentMegabytes(std::int64_t pid);

// Value of a counter or gauge at /metrics, summed over its labels.
Result<double> ReadMetric(net::HttpClient& client, const std::string& url, std::string_view name);

}  // namespace postglass::bench
