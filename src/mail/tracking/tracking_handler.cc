#include "mail/tracking/tracking_handler.h"

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "base/encoding.h"
#include "base/log.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

// 1 × 1, transparent.
constexpr std::string_view kPixelBase64 =
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
constexpr std::chrono::hours kCollectedFor{60 * 24};
constexpr std::size_t kUserAgentMax = 1'000;

Counter& Requests(Metrics& metrics, std::string_view result) {
  return metrics.GetCounter("postglass_mail_tracking_requests_total",
                            "Requests for pixels and tracked links",
                            {{"result", result}});
}

void NeverStore(net::HttpResponse& response) {
  response.headers.Set("Cache-Control", "no-store, no-cache, private, max-age=0");
  response.headers.Set("Referrer-Policy", "no-referrer");
  response.headers.Set("X-Robots-Tag", "noindex, nofollow");
}

net::HttpResponse NotFound() {
  net::HttpResponse response = net::TextResponse(404, "This link is not valid.\n");
  NeverStore(response);
  return response;
}

std::string UserAgent(const net::HttpRequest& request) {
  return ToValidUtf8(request.headers.Get("User-Agent").substr(0, kUserAgentMax));
}

}  // namespace

TrackingHandler::TrackingHandler(
    TrackingUrls urls, Spool& spool, MailLookup& mails, const Clock& clock, Metrics& metrics)
    : urls_(std::move(urls)),
      spool_(spool),
      mails_(mails),
      clock_(clock),
      machine_signs_(clock),
      opens_(Requests(metrics, "open")),
      clicks_(Requests(metrics, "click")),
      refused_(Requests(metrics, "refused")),
      lost_(Requests(metrics, "not_recorded")),
      unknown_(Requests(metrics, "unknown_mail")),
      machines_(Requests(metrics, "machine")) {}

net::HttpResponse TrackingHandler::Handle(const net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    net::HttpResponse response = net::TextResponse(405, "Method not allowed.\n");
    response.headers.Set("Allow", "GET, HEAD");
    return response;
  }
  std::optional<TrackingRequest> read = urls_.Read(request.target);
  if (!read) {
    refused_.Add();
    return NotFound();
  }
  net::HttpResponse response;
  if (const auto* pixel = std::get_if<PixelRequest>(&*read)) {
    opens_.Add();
    Record(pixel->message_id,
           OpenDetail{clock_.Now(), request.peer_address, UserAgent(request)},
           machine_signs_.Find(request, pixel->message_id, -1));
    response.headers.Set("Content-Type", "image/gif");
    response.body = *Base64Decode(kPixelBase64);
  } else {
    LinkRequest& link = std::get<LinkRequest>(*read);
    response.status = 302;
    response.headers.Set("Location", link.link);
    clicks_.Add();
    const auto signs =
        machine_signs_.Find(request, link.message_id, static_cast<int>(link.index % 1'000'000));
    Record(link.message_id,
           ClickDetail{clock_.Now(),
                       request.peer_address,
                       UserAgent(request),
                       std::move(link.link),
                       std::move(link.tags)},
           signs);
  }
  NeverStore(response);
  return response;
}

void TrackingHandler::Record(const std::string& message_id,
                             EventDetail detail,
                             const std::vector<std::string_view>& machine_signs) {
  const std::optional<Timestamp> sent_at = MessageIdTime(message_id);
  if (!sent_at || clock_.Now() - *sent_at > kCollectedFor) return;
  std::optional<EventSubject> subject = mails_.Find(message_id);
  if (!subject) return unknown_.Add();
  MailEvent event{std::move(*subject), std::move(detail), {}};
  for (const std::string_view sign : machine_signs) {
    event.extra_tags.push_back({"postglass-machine", std::string(sign)});
  }
  if (!machine_signs.empty()) machines_.Add();
  const Status recorded = spool_.Record(std::move(event));
  if (recorded) return;
  lost_.Add();
  log::Warn("mail", "an open or click could not be recorded: {}", recorded.error().message);
}

}  // namespace postglass::mail
