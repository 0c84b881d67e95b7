#include "main/parts/access_part.h"

#include "main/tls_files.h"
#include "net/http_client.h"

namespace postglass {
namespace {

Result<TlsFiles> LoadTlsFiles(PartContext& context) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  if (const std::string url = context.options.String("public_url"); !url.empty()) {
    ASSIGN_OR_RETURN(const net::Url parsed, net::ParseUrl(url));
    names.push_back(parsed.host);
  }
  return LoadOrMakeTlsFiles(context.world.fs,
                            context.world.clock,
                            context.world.random,
                            context.directory.tls(),
                            names,
                            context.options.String("tls.cert"),
                            context.options.String("tls.key"));
}

}  // namespace

Result<std::unique_ptr<AccessPart>> AccessPart::Make(PartContext& context) {
  auto part = std::make_unique<AccessPart>();
  DataDirectory& directory = context.directory;
  const Server::World& world = context.world;
  ASSIGN_OR_RETURN(part->keys,
                   access::KeyRing::Load(
                       directory.settings(), directory.secret_box(), world.clock, world.random));
  ASSIGN_OR_RETURN(
      part->users,
      access::Users::Load(directory.settings(), directory.secret_box(), world.clock, world.random));
  ASSIGN_OR_RETURN(part->iam, access::IamStore::Load(directory.settings(), context.account));
  part->sessions = std::make_unique<access::Sessions>(
      *part->iam, directory.secret_box(), world.clock, world.random);
  ASSIGN_OR_RETURN(const TlsFiles files, LoadTlsFiles(context));
  ASSIGN_OR_RETURN(part->tls, net::TlsServerContext::Create(files.server));
  ASSIGN_OR_RETURN(part->signer, aws::SnsSigner::Create(files.sns_signing));
  part->readers = net::MakeHttpClient({.system_roots = true, .extra_roots_pem = files.ca_pem});
  return part;
}

Status AccessPart::ReloadTls(PartContext& context) {
  ASSIGN_OR_RETURN(const TlsFiles files, LoadTlsFiles(context));
  return tls->Reload(files.server);
}

}  // namespace postglass
