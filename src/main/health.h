#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/http.h"

namespace postglass {

// How the stages are, asked anew each time. Fill it before the listeners start; thread-safe from
// then on when the probes are.
class Health {
 public:
  struct Finding {
    bool ok = true;
    std::string reason;  // why not, and what to do; with ok: a warning, or empty
  };

  using Probe = std::function<Finding()>;

  void Add(std::string stage, Probe probe) {
    probes_.push_back({std::move(stage), std::move(probe)});
  }

  // A sentence about what start-up found and set aside; shown until the next start.
  void AddNotice(std::string notice) { notices_.push_back(std::move(notice)); }

  bool ready() const;
  std::vector<std::string> Warnings() const;  // of stages and notices, for people

  // GET /readyz: 200 when every stage is well, else 503; both with {"ready","stages":{…}}.
  net::HttpResponse Ready() const;
  // GET /api/v2/postglass/status: {"ready","version","warnings"}.
  net::HttpResponse Show() const;

 private:
  struct Entry {
    std::string stage;
    Probe probe;
  };

  std::vector<Entry> probes_;
  std::vector<std::string> notices_;
};

}  // namespace postglass
