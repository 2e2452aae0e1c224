#include "tools/bench/ecmg_site.h"

#include <utility>

#include <fmt/format.h>

#include "src/crypto/ladder.h"

namespace hearth::bench {
namespace {

constexpr uint64_t kEpochInUse = 50;
constexpr int64_t kHourMs = 3'600'000;
// No overload here: what is measured must not be refused because the machine is busy.
constexpr std::chrono::seconds kNeverOverloaded{3600};

// With a product, in a province, and free to air for a while.
std::vector<app::EcmTerms> TermsOf(size_t service, UnixMillis now) {
  const cas::AcRecord usual{.mode = cas::AcMode::kProduct,
                            .product = static_cast<uint8_t>(service % 100),
                            .division = 640'000,
                            .all_but = false};
  const cas::AcRecord open{.mode = cas::AcMode::kOpen};
  std::vector<app::EcmTerms> terms{{UnixMillis(), usual, 0}};
  for (int64_t hour : {-3, 1, 5}) {
    const auto window = static_cast<uint16_t>(100 + hour);
    terms.push_back({UnixMillis(now.value + hour * kHourMs), open, window});
    terms.push_back({UnixMillis(now.value + (hour + 1) * kHourMs), usual, 0});
  }
  return terms;
}

}  // namespace

Result<std::shared_ptr<const app::EcmSnapshot>> MakeEcmSnapshot(size_t services, RandomSource& random,
                                                                UnixMillis now) {
  auto snapshot = std::make_shared<app::EcmSnapshot>();
  for (size_t n = 1; n <= services; ++n) {
    app::EcmServiceOnAir service;
    service.service = ServiceId(static_cast<uint16_t>(n));
    service.channel = fmt::format("BENCH-{}", n);
    service.terms = TermsOf(n, now);
    service.epoch = kEpochInUse;
    for (const uint64_t epoch : {kEpochInUse, kEpochInUse + 1}) {
      HEARTH_ASSIGN_OR_RETURN(crypto::SivKey key, crypto::EcmSiv(crypto::ServiceKey::Random(random)));
      service.keys.push_back({epoch, std::move(key)});
    }
    snapshot->services.push_back(std::move(service));
  }
  return std::shared_ptr<const app::EcmSnapshot>(std::move(snapshot));
}

gateway::EcmOutcome IdleMaker::Make(const gateway::EcmDemand& demand, Bytes& section) const {
  // As long as a real one.
  constexpr size_t kWithoutWords = 30;
  constexpr size_t kAccessRecord = 6;
  size_t bytes = kWithoutWords;
  for (const simulcrypt::CpCw& word : demand.words) bytes += kAccessRecord + word.cw.size();
  section.resize(section.size() + bytes);
  return gateway::EcmOutcome::kMade;
}

Result<std::unique_ptr<EcmgSite>> EcmgSite::Create(const gateway::EcmMaker& maker, size_t threads) {
  std::unique_ptr<EcmgSite> site(new EcmgSite);
  gateway::EcmgServerOptions options;
  options.listen = {"127.0.0.1", 0};
  options.super_cas_ids = {kBenchSuperCasId};
  options.overload = kNeverOverloaded;
  options.threads = threads;
  HEARTH_ASSIGN_OR_RETURN(site->server_,
                          gateway::EcmgServer::Create(options, maker, site->metrics_, site->log_));
  return site;
}

}  // namespace hearth::bench
