#include "api/hook_refusals.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::api {

net::HttpResponse HookRefusals(const std::vector<intake::Refusal>& refusals) {
  json::array list;
  for (const intake::Refusal& refusal : refusals) {
    list.push_back(json::object{{"timestamp", FormatIso8601Millis(refusal.at)},
                                {"reason", refusal.reason},
                                {"detail", ToValidUtf8(refusal.detail)},
                                {"type", ToValidUtf8(refusal.type)},
                                {"topic_arn", ToValidUtf8(refusal.topic_arn)},
                                {"message_id", ToValidUtf8(refusal.message_id)},
                                {"peer_address", refusal.peer_address}});
  }
  return net::JsonResponse(200, json::Serialize(json::object{{"refusals", std::move(list)}}));
}

}  // namespace postglass::api
