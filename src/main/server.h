#pragma once

#include <memory>
#include <string>

#include "aws/service.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "main/data_directory.h"
#include "main/options.h"

namespace postglass {

// The whole product, put together: the only place that knows every stage. Order of life: Create()
// recovers what is on disk; Listen() opens the doors and starts the chain; Stop() closes the doors,
// lets what is under way end, and leaves the rest on disk for the next start.
class Server {
 public:
  struct World {  // must outlive the server
    FileSystem& fs;
    const Clock& clock;
    Random& random;
    std::string program;  // path of this binary, for the forwarder as a child process
  };

  // `directory` must outlive the server. Errors name the part and what to do.
  static Result<std::unique_ptr<Server>> Create(const World& world,
                                                DataDirectory& directory,
                                                const Options& options);
  virtual ~Server() = default;

  // For a new data directory: makes the first credentials (returned, shown once) and, unless
  // `kBare`, the ordinary resources. Call before Listen().
  enum class Resources { kDefault, kBare };
  virtual Result<json::object> Initialise(Resources resources) = 0;

  struct Addresses {
    std::string http;  // "http://127.0.0.1:8080"
    std::string https;
    std::string smtp;  // "127.0.0.1:2587"
    std::string smtps;
    std::string hooks;  // empty: none
  };

  // Binds, starts, and puts DIR/listening.json in place. kUnavailable names a port that is taken.
  virtual Result<Addresses> Listen() = 0;

  virtual void ReloadTls() = 0;  // SIGHUP
  virtual void Stop() = 0;

  virtual const aws::Account& account() const = 0;
};

}  // namespace postglass
