#include "src/app/audit.h"

#include <charconv>

#include <fmt/format.h>

namespace hearth::app {
namespace {

Result<store::BucketId> BucketOfObject(std::string_view object) {
  const size_t colon = object.find(':');
  const std::string_view kind = object.substr(0, colon);
  const std::string_view id = colon == std::string_view::npos ? "" : object.substr(colon + 1);
  if (object == "site") return store::kSystemBucket;
  if (kind == "account") {
    HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(id, "object"));
    return AccountKey(id).bucket;
  }
  if (kind == "card") {
    HEARTH_ASSIGN_OR_RETURN(const CardNumber card, ParseCardNumber(id, "object"));
    return CardKey(card).bucket;
  }
  if (kind == "area" || kind == "list") {
    HEARTH_ASSIGN_OR_RETURN(const AreaId area, ParseAreaId(id, "object"));
    (void)area;
    return store::kSystemBucket;
  }
  if (kind == "emergency") return store::kSystemBucket;
  return InvalidField(
      "object", "account:<form>, card:<number>, area:<number>, list:<number>, emergency:<number> or site");
}

}  // namespace

Result<PageOf<AuditView>> ListAudit(Executor& executor, std::string_view object, size_t size,
                                    std::string_view token) {
  HEARTH_ASSIGN_OR_RETURN(const store::BucketId bucket, BucketOfObject(object));
  PageOf<AuditView> result;
  std::string after;
  if (!token.empty()) {
    uint64_t sequence = 0;
    const auto parsed = std::from_chars(token.data(), token.data() + token.size(), sequence);
    if (parsed.ec != std::errc() || parsed.ptr != token.data() + token.size()) {
      return Error(Reason::kPageTokenInvalid, "this is no page token of an audit");
    }
    after = store::SequenceKey(sequence);
  }
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto page,
                            executor.store().Scan(bucket, store::Space::kAudit, "", after, 512));
    for (const auto& item : page.items) {
      after = item.key;
      HEARTH_ASSIGN_OR_RETURN(auto entry, records::Decode<records::Audit>(item.value));
      if (entry.object != object) continue;
      result.items.push_back({.entry = std::move(entry), .revision = store::SequenceOfKey(item.key)});
      if (result.items.size() == size) {
        result.next_token = fmt::format("{}", result.items.back().revision);
        return result;
      }
    }
    if (!page.more || page.items.empty()) return result;
  }
}

}  // namespace hearth::app
