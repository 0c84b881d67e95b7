#include "main/tls_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/json.h"

namespace postglass {
namespace {

constexpr std::uint64_t kPemBytesMax = 256 << 10;
constexpr std::chrono::hours kServerLife{825 * 24};  // as net::MakeServerCertificate makes it
constexpr std::chrono::hours kRenewBefore{30 * 24};

Result<net::CertificateAndKey> ReadPair(const FileSystem& fs,
                                        const Path& certificate,
                                        const Path& key) {
  net::CertificateAndKey pair;
  ASSIGN_OR_RETURN(pair.certificate_pem, fs.ReadFile(certificate, kPemBytesMax));
  ASSIGN_OR_RETURN(pair.private_key_pem, fs.ReadFile(key, kPemBytesMax));
  return pair;
}

// The key first: a certificate without its key would be of no use after a crash in between.
Status WritePair(FileSystem& fs,
                 const net::CertificateAndKey& pair,
                 const Path& certificate,
                 const Path& key) {
  RETURN_IF_ERROR(fs.WriteFileAtomically(key, pair.private_key_pem));
  return fs.WriteFileAtomically(certificate, pair.certificate_pem);
}

// What the server's certificate was made for, beside it.
bool StillGood(const FileSystem& fs,
               const Clock& clock,
               const Path& note_file,
               const std::vector<std::string>& names) {
  const auto text = fs.ReadFile(note_file, kPemBytesMax);
  if (!text) return false;
  const auto note = json::ParseObject(*text);
  if (!note) return false;
  const Timestamp made = Timestamp::FromMillis(json::GetInt(*note, "made_ms").value_or(0));
  const auto age = clock.Now() - made;
  if (age < std::chrono::nanoseconds(0) || age > kServerLife - kRenewBefore) return false;
  const json::array* have = json::GetArray(*note, "names");
  return have != nullptr && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
           return std::any_of(have->begin(), have->end(), [&](const json::value& v) {
             return v.is_string() && std::string_view(v.get_string()) == name;
           });
         });
}

std::string MakeNote(const Clock& clock, const std::vector<std::string>& names) {
  json::array list;
  for (const std::string& name : names) list.emplace_back(name);
  return json::Serialize(
      json::object{{"made_ms", clock.Now().millis()}, {"names", std::move(list)}});
}

}  // namespace

Result<TlsFiles> LoadOrMakeTlsFiles(FileSystem& fs,
                                    const Clock& clock,
                                    Random& random,
                                    const Path& directory,
                                    const std::vector<std::string>& names,
                                    const std::string& certificate_file,
                                    const std::string& key_file) {
  if (certificate_file.empty() != key_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "tls.cert and tls.key are given both or not at all");
  }
  RETURN_IF_ERROR(fs.CreateDirectories(directory));
  const Path ca_pem = directory / "ca.pem";
  const Path ca_key = directory / "ca.key";
  const Path sns_pem = directory / "sns.pem";
  const Path sns_key = directory / "sns.key";
  if (!fs.Exists(ca_pem)) {
    ASSIGN_OR_RETURN(const net::CertificateAndKey authority,
                     net::MakeCertificateAuthority(clock, random, "Postglass local authority"));
    RETURN_IF_ERROR(WritePair(fs, authority, ca_pem, ca_key));
  }
  ASSIGN_OR_RETURN(const net::CertificateAndKey authority, ReadPair(fs, ca_pem, ca_key));
  TlsFiles files;
  files.ca_pem = authority.certificate_pem;

  if (!fs.Exists(sns_pem)) {
    ASSIGN_OR_RETURN(
        const net::CertificateAndKey signing,
        net::MakeServerCertificate(clock, random, authority, "Postglass SNS signing", {"sns"}));
    RETURN_IF_ERROR(WritePair(fs, signing, sns_pem, sns_key));
  }
  ASSIGN_OR_RETURN(files.sns_signing, ReadPair(fs, sns_pem, sns_key));

  if (!certificate_file.empty()) {
    ASSIGN_OR_RETURN(files.server, ReadPair(fs, certificate_file, key_file));
    return files;
  }
  const Path server_pem = directory / "server.pem";
  const Path server_key = directory / "server.key";
  const Path note = directory / "server.json";
  if (!StillGood(fs, clock, note, names)) {
    ASSIGN_OR_RETURN(const net::CertificateAndKey server,
                     net::MakeServerCertificate(clock, random, authority, names.front(), names));
    RETURN_IF_ERROR(WritePair(fs, server, server_pem, server_key));
    RETURN_IF_ERROR(fs.WriteFileAtomically(note, MakeNote(clock, names)));
  }
  ASSIGN_OR_RETURN(files.server, ReadPair(fs, server_pem, server_key));
  return files;
}

}  // namespace postglass
