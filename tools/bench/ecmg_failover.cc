#include "tools/bench/ecmg_failover.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "src/cas/ecm.h"
#include "tools/bench/ecmg_site.h"

namespace hearth::bench {
namespace {

constexpr double kPatienceSeconds = 10;

// True when the section opens under the service's key and holds the words that the load asked for.
bool Holds(const FailoverPlan& plan, uint16_t ecm_id, uint16_t cp, ByteView section) {
  const app::EcmServiceOnAir* service = plan.snapshot->Find(ServiceId(ecm_id));
  if (service == nullptr || service->KeyInUse() == nullptr) return false;
  const auto ecm = cas::DecodeEcm(section, service->KeyInUse()->key);
  if (!ecm || ecm->service != ServiceId(ecm_id)) return false;
  // What EcmgServer offers by default: the present word and the next.
  if (ecm->words.size() != 2) return false;
  for (size_t i = 0; i < ecm->words.size(); ++i) {
    const LoadWord wanted = WordOf(plan.load.seed, ecm_id, static_cast<uint16_t>(cp + i));
    const ByteView word = ecm->words[i].word.bytes(crypto::SecretAccess());
    if (!std::equal(word.begin(), word.end(), wanted.begin(), wanted.begin() + plan.load.word_bytes)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<FailoverFound> RunFailover(const FailoverPlan& plan) {
  FailoverFound found;
  HEARTH_ASSIGN_OR_RETURN(auto in_use, EcmgSite::Create(plan.maker, plan.threads));
  HEARTH_ASSIGN_OR_RETURN(auto standby, EcmgSite::Create(plan.maker, plan.threads));
  ScsLoadOptions options = plan.load;
  options.ecmg = in_use->listening();
  HEARTH_ASSIGN_OR_RETURN(const auto load, ScsLoad::Connect(options));
  uint64_t* count = &found.by_first;
  load->set_on_ecm([&](uint16_t ecm_id, uint16_t cp, ByteView section) {
    ++*count;
    if (!Holds(plan, ecm_id, cp, section)) ++found.wrong;
  });
  load->AskAll();
  load->Await(kPatienceSeconds);
  for (int n = 0; n < plan.times; ++n) {
    load->AskAll();
    load->AwaitFirst();
    const auto death = std::chrono::steady_clock::now();
    std::thread end([&in_use] { in_use.reset(); });
    load->Await(kPatienceSeconds);
    end.join();
    found.cut_off += load->counts().lost();
    count = &found.by_others;
    HEARTH_RETURN_IF_ERROR(load->MoveTo(standby->listening()));
    load->Await(kPatienceSeconds);
    found.slowest =
        std::max<std::chrono::nanoseconds>(found.slowest, std::chrono::steady_clock::now() - death);
    in_use = std::move(standby);
    HEARTH_ASSIGN_OR_RETURN(standby, EcmgSite::Create(plan.maker, plan.threads));
  }
  found.lost = load->counts().lost();
  return found;
}

}  // namespace hearth::bench
