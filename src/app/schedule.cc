#include "src/app/schedule.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/app/plans.h"

namespace hearth::app {
namespace {

// Criteria that a channel had already stay good, so that its other fields can be changed.
Status CheckNewCriteria(Txn& txn, const entitlement::Channel* former, const entitlement::Channel& channel) {
  if (former != nullptr && former->criteria == channel.criteria) return Ok();
  HEARTH_RETURN_IF_ERROR(CheckProductExists(txn, channel.criteria, "channel.criteria.product"));
  const auto plan = StoredPlan::Read(txn, channel.service, UnixMillis(0), entitlement::kTimeEnd);
  if (!plan) return plan.error();
  return entitlement::CheckBase(channel.criteria, plan->windows(), txn.now());
}

}  // namespace

std::vector<RowResult> Schedule::ImportChannels(const Request& request, const std::vector<ChannelRow>& rows) {
  std::vector<RowResult> results;
  bool wrote = false;
  for (const ChannelRow& row : rows) {
    RowResult result{.line = row.line};
    const auto refuse = [&](const Error& error) {
      result.outcome = RowOutcome::kRefused;
      result.error = error;
    };
    if (!row.channel) {
      refuse(row.channel.error());
    } else if (Status status = entitlement::CheckChannel(*row.channel); !status) {
      refuse(status.error());
    } else {
      const entitlement::Channel& channel = *row.channel;
      Request of_row = request;
      of_row.id = request.id.ForRow(row.line);
      const ObjectKey key = ChannelKey(channel.service);
      bool existed = false;
      auto outcome =
          RunOnce(executor_, key.bucket, of_row,
                  {.action = "channel.put",
                   .object = "site",
                   .detail = fmt::format("{} {}", channel.service.value, channel.name)},
                  limits_, [&](Txn& txn) -> Result<std::string> {
                    for (const entitlement::Channel& other : keys_.Channels()) {
                      if (other.name == channel.name && other.service != channel.service) {
                        return Error(Reason::kChannelExists, fmt::format("the name {} is that of service {}",
                                                                         channel.name, other.service.value));
                      }
                    }
                    HEARTH_ASSIGN_OR_RETURN(const auto former, txn.Read<entitlement::Channel>(key.key));
                    existed = former && former->value == channel;
                    if (existed) return std::string();
                    HEARTH_RETURN_IF_ERROR(CheckNewCriteria(txn, former ? &former->value : nullptr, channel));
                    txn.Write(key.key, channel);
                    return std::string();
                  });
      if (!outcome) {
        refuse(outcome.error());
      } else {
        result.outcome = existed || outcome->change.repeated ? RowOutcome::kExisted : RowOutcome::kDone;
        wrote = wrote || outcome->change.committed.wrote;
      }
    }
    results.push_back(std::move(result));
  }
  if (wrote) {
    if (auto refreshed = keys_.Refresh(executor_.clock().Now()); !refreshed) {
      for (RowResult& result : results) {
        if (result.outcome != RowOutcome::kRefused) {
          result = {.line = result.line, .outcome = RowOutcome::kRefused, .error = refreshed.error()};
        }
      }
    }
  }
  return results;
}

Result<PackageChanged> Schedule::PutPackage(const Request& request, const entitlement::Package& wanted) {
  HEARTH_ASSIGN_OR_RETURN(const entitlement::Package package, entitlement::MakePackage(wanted));
  const std::vector<entitlement::Channel> channels = keys_.Channels();
  for (const ServiceId service : package.services) {
    const auto channel =
        std::find_if(channels.begin(), channels.end(), [&](const auto& c) { return c.service == service; });
    if (channel == channels.end()) {
      return Error(Reason::kChannelUnknown, fmt::format("service {} is no channel", service.value))
          .Field("package.service_ids", "services of channels that exist");
    }
    if (channel->province != 0 && channel->province != package.province) {
      return InvalidField("package.service_ids",
                          fmt::format("service {} belongs to province {}", service.value, channel->province));
    }
  }
  const ObjectKey key = PackageKey(package.id);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request,
              {.action = "package.put",
               .object = "site",
               .detail = fmt::format("package {}, {} services", package.id.value, package.services.size())},
              limits_, [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(const auto former, txn.Read<records::PackageRecord>(key.key));
                if (former) HEARTH_RETURN_IF_ERROR(CheckRevision(request, former->revision, "package"));
                if (former && former->value.package == package) return std::string();
                records::PackageRecord record;
                if (former) {
                  record = former->value;
                } else {
                  HEARTH_RETURN_IF_ERROR(keys_.NewChain(record, package.id));
                }
                record.package = package;
                txn.Write(key.key, record);
                txn.Emit(records::ServiceKeysDue{.package = package.id});
                return std::string();
              }));
  if (outcome.change.committed.wrote) {
    HEARTH_ASSIGN_OR_RETURN(const bool changed, keys_.Refresh(executor_.clock().Now()));
    (void)changed;
  }
  return PackageChanged{.change = outcome.change, .package = package};
}

}  // namespace hearth::app
