#pragma once

#include <string_view>

#include "base/json.h"
#include "net/http.h"
#include "queues/queue_service.h"
#include "topics/topic_service.h"

namespace postglass::api {

// What could not be delivered and the queues, for the operator:
//   GET  /api/v2/postglass/dead-letters?count=N
//        {"dead_letters":[{"id","message_id","topic_arn","subscription_arn","protocol","endpoint",
//        "attempts","reason","since"}],"total"}: those the server keeps itself, newest first
//   POST /api/v2/postglass/dead-letters/redrive {["id"]}  → {"redriven": n}; without an id all
//   GET  /api/v2/postglass/queues
//        {"queues":[{"name","arn","visible","in_flight","delayed","dead_letters_of":[names]}]}
//   GET  /api/v2/postglass/queues/NAME?count=N
//        {"messages":[{"message_id","sent","receives","body","attributes","source_queue_arn",
//        "subscription_arn"}],"total"}: oldest first, without receiving them
//   POST /api/v2/postglass/queues/NAME/redrive {["destination_arn"]} → {"task_handle"}: each back
//   to
//        where it came from, queue or subscription
//   POST /api/v2/postglass/queues/NAME/purge → {}
// Thread-safe. Who may call it is the router's business.
class DeadLettersApi {
 public:
  DeadLettersApi(topics::TopicService& topics, queues::QueueService& queues)
      : topics_(topics), queues_(queues) {}

  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse ListDeadLetters(std::size_t count_max) const;
  net::HttpResponse RedriveDeadLetters(const json::object& request);
  net::HttpResponse ListQueues() const;
  net::HttpResponse HandleQueue(const net::HttpRequest& request,
                                std::string_view rest,
                                const json::object& body,
                                std::size_t count_max);

  topics::TopicService& topics_;
  queues::QueueService& queues_;
};

}  // namespace postglass::api
