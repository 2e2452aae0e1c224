#include "tests/app/workload.h"

#include <fmt/format.h>

namespace hearth::app {

Workload::Workload(Site& site, uint64_t seed, uint64_t cards) : site_(site), random_(seed) {
  for (uint64_t n = 1; n <= cards; ++n) cards_.push_back(site.NewCard(n));
}

void Workload::Run(int steps) {
  for (int i = 0; i < steps; ++i) Step();
}

void Workload::SendReport() {
  const uint64_t n = Pick();
  receiver::Card& card = cards_[n - 1];
  const auto record = site_.head().registry().Card(CardOf(n));
  static const Heard kEvidence[] = {kHome, kHome, kCity, kCity, kRenumbered, {}, {kRenumbered[1]}};
  Home home = site_.NewHome(n);
  // The pair as the books have it, most of the time.
  if (random_() % 8 != 0 && record->value.card.box.value != 0) {
    const uint64_t box = record->value.card.box.value - BoxOf(0).value;
    const uint64_t sim = record->value.card.sim.value - SimOf(0).value;
    home = site_.NewHome(n, box, sim);
  }
  home.receiver.Insert(card);
  Count(site_.Send(home, kEvidence[random_() % std::size(kEvidence)]));
  card = *home.receiver.Remove();
}

void Workload::Step() {
  site_.clock.Advance(std::chrono::milliseconds(random_() % 20'000));
  const uint64_t n = Pick();
  switch (random_() % 16) {
    case 0:
    case 1:
    case 2: {
      entitlement::Form form = FormOf(n, random_() % 3 == 0 ? kFarVillage : kVillage);
      // Closed forms stay closed, so some come with a number of their own; now and then with another's box.
      if (random_() % 2 == 0) form.form_number = fmt::format("NX-R{}", random_() % 1'000'000);
      if (random_() % 4 == 0) form.devices.box = BoxOf(Pick());
      Count(site_.head().registry().Open(site_.NewRequest(), form));
      break;
    }
    case 3: {
      const auto account = site_.head().registry().GetByCard(CardOf(n));
      if (!account) break;
      entitlement::Devices wanted;
      if (random_() % 2 == 0) wanted.card = CardOf(Pick());
      if (random_() % 2 == 0) wanted.box = BoxOf(Pick());
      if (random_() % 2 == 0) wanted.sim = SimOf(Pick());
      Count(site_.head().registry().Swap(site_.NewRequest("broken"), account->account.form.form_number,
                                         wanted));
      break;
    }
    case 4: {
      const auto account = site_.head().registry().GetByCard(CardOf(n));
      if (!account || random_() % 2 == 0) break;
      Count(site_.head().registry().Close(site_.NewRequest("left"), account->account.form.form_number));
      break;
    }
    case 5:
      Count(site_.head().location().Lift(site_.NewRequest("visited"), CardOf(n)));
      break;
    case 6:
      Count(site_.head().pump().RefreshCard(site_.NewRequest(), CardOf(n), site_.options.limits));
      break;
    case 7: {
      if (random_() % 4 != 0) break;
      Heard cells = kHome;
      cells.push_back(fmt::format("lte:460:00:33301:{}", ++lists_));
      Count(site_.head().geo().PutList(site_.NewRequest(),
                                       {geofence::ListKind::kWhitelist, kArea, "", CellsOf(cells)}));
      break;
    }
    case 8:
      // Few: it is for ever.
      if (random_() % 12 != 0) break;
      Count(site_.head().evictions().Evict(site_.NewRequest("cloned"), {CardOf(n)}));
      break;
    default:
      SendReport();
  }
}

}  // namespace hearth::app
