#pragma once

#include "access/key_ring.h"
#include "access/users.h"
#include "aws/service.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"

namespace postglass {

// The credentials that a new data directory begins with, in the form that `init --json` prints:
// {"aws":{…},"smtp":{…},"api_key","application_key","admin":{…}}.
Result<json::object> MakeCredentials(access::KeyRing& keys,
                                     access::Users& users,
                                     const aws::Account& account,
                                     Random& random);

// Makes the ordinary resources of a new data directory by the same AWS calls that anybody would
// use: the topic `mail-events`, the forwarder's permission and subscription to it, the
// configuration set `default` with its event destination. The function itself must be there.
Status MakeDefaultResources(aws::Gateway& gateway,
                            const aws::Credential& caller,
                            const aws::Account& account,
                            const Clock& clock);

}  // namespace postglass
