// hearthctl ecm, card.
#include <fmt/format.h>

#include "hearth/v1/entitlement.grpc.pb.h"
#include "src/base/bytes.h"
#include "tools/ctl/air.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Entitlement = v1::EntitlementService::Stub;

struct EcmFlags {
  std::string channel;
  uint32_t service = 0;
  uint32_t cp = 0;
  std::vector<std::string> control_words;
};

void DeclareEcm(CLI::App& command, EcmFlags& flags) {
  CLI::App* channel = OptionGroup(command, "channel", 1);
  channel->add_option("--channel", flags.channel, "Name of the channel")->type_name("NAME");
  channel->add_option("--service", flags.service, "Number of the channel")
      ->type_name("N")
      ->check(CLI::Range(1, 65535).description(""));
  command.add_option("--cp", flags.cp, "Crypto-period of the first control word")
      ->type_name("N")
      ->required()
      ->check(CLI::Range(0, 65535).description(""));
  command.add_option("--cw", flags.control_words, "Control word in hexadecimal; once or twice")
      ->type_name("HEX")
      ->required()
      ->allow_extra_args(false);
}

int RunEcm(Session& session, const EcmFlags& flags) {
  v1::IssueEcmRequest request;
  if (flags.channel.empty()) {
    request.set_service_id(flags.service);
  } else {
    request.set_channel_name(flags.channel);
  }
  request.set_cp_number(flags.cp);
  for (const std::string& hex : flags.control_words) {
    const auto word = FromHex(hex);
    if (!word) return session.FailUsage(InvalidField("--cw", "must be hexadecimal digits, 16 or 32"));
    request.add_control_words(std::string(AsChars(*word)));
  }
  return session.Read(&Entitlement::IssueEcm, request, [&](const v1::IssueEcmResponse& answer) {
    session.out() << ToHex(AsBytes(answer.section())) << '\n';
  });
}

struct RefreshFlags {
  std::string card;
  ChangeFlags change;
};

int RunRefresh(Session& session, const RefreshFlags& flags) {
  v1::RefreshCardRequest request;
  request.set_card_number(flags.card);
  return session.Change(
      &Entitlement::RefreshCard, request, flags.change, [&](const v1::RefreshCardResponse& answer) {
        session.out() << (answer.has_expected()
                              ? fmt::format("card {}: everything it needs will have been on the air by {}\n",
                                            flags.card, LocalTime(answer.expected()))
                              : fmt::format("card {}: in line; no output can send now\n", flags.card));
      });
}

struct EvictFlags {
  std::vector<std::string> cards;
  std::string rate = "1Mbit/s";
  ChangeFlags change;
};

void DeclareEvict(CLI::App& command, EvictFlags& flags) {
  Card(command.add_option("card", flags.cards, "The cards; one or more"))->required();
  command.add_option("--rate", flags.rate, "Rate for EMMs, to say how long it takes (default: 1Mbit/s)")
      ->type_name("RATE");
  DeclareChange(command, flags.change, true);
}

void PrintEviction(const v1::EvictCardsResponse& answer, std::ostream& out) {
  for (const auto& card : answer.cards()) {
    out << fmt::format("card {} of account {} leaves group {} and is dark for ever\n", card.card_number(),
                       Printable(card.form_number()), card.group());
  }
  Sheet sheet;
  sheet.Add("groups with a new key", std::to_string(answer.groups()));
  sheet.Add("cards with a new record", std::to_string(answer.survivors()));
  sheet.Add("on the air", fmt::format("{} messages, {} bytes, {} packets: {} at {} kbit/s", answer.messages(),
                                      answer.bytes(), answer.packets(), Duration(answer.air_seconds()),
                                      answer.rate_kbps()));
  sheet.Add("copies open channels until", LocalTime(answer.open_until()));
  sheet.Print(out);
}

// What it would be, on stderr beside the question. Nothing when it was printed.
std::optional<Failure> ShowPlan(Session& session, v1::EvictCardsRequest request, const EvictFlags& flags) {
  auto client = session.Connect();
  if (!client) return client.error();
  request.mutable_change()->set_reason(flags.change.reason);
  request.mutable_change()->set_approver(flags.change.approver);
  request.mutable_change()->set_dry_run(true);
  v1::EvictCardsResponse plan;
  const grpc::Status status = (*client)->Call(&Entitlement::EvictCards, request, &plan);
  if (!status.ok()) return (*client)->Decode(status);
  session.out().flush();
  PrintEviction(plan, session.io().err);
  return std::nullopt;
}

int RunEvict(Session& session, const EvictFlags& flags) {
  const auto kbps = ParseRate(flags.rate);
  if (!kbps) return session.FailUsage(kbps.error());
  v1::EvictCardsRequest request;
  for (const std::string& card : flags.cards) request.add_card_numbers(card);
  request.set_rate_kbps(*kbps);
  // A request that is repeated may be done already; then there is nothing to plan.
  if (session.WouldAsk() && session.globals().request_id.empty()) {
    if (const auto failure = ShowPlan(session, request, flags)) return session.Fail(*failure);
  }
  if (!session.Confirm("Evict? It cannot be taken back: the homes need other cards.")) {
    return session.Declined();
  }
  return session.Change(&Entitlement::EvictCards, request, flags.change,
                        [&](const v1::EvictCardsResponse& answer) { PrintEviction(answer, session.out()); });
}

struct CardFlags {
  std::string card;
};

std::string Join(const google::protobuf::RepeatedField<uint32_t>& numbers) {
  std::string out;
  for (const uint32_t number : numbers) out += fmt::format("{}{}", out.empty() ? "" : ",", number);
  return out;
}

int RunEntitlement(Session& session, const CardFlags& flags) {
  v1::GetEntitlementRequest request;
  request.set_card_number(flags.card);
  return session.Read(&Entitlement::GetEntitlement, request, [&](const v1::GetEntitlementResponse& answer) {
    Sheet sheet;
    sheet.Add("card", answer.card_number());
    sheet.Add("standing", fmt::format("{} ({})", v1::Standing_Name(answer.standing()),
                                      v1::StandingReason_Name(answer.reason())));
    sheet.Add("packages", Join(answer.package_ids()));
    sheet.Add("services", Join(answer.service_ids()));
    sheet.Add("group", fmt::format("{}, slot {}", answer.group(), answer.slot()));
    sheet.Add("epoch", std::to_string(answer.epoch()));
    sheet.Add("standing stamp", std::to_string(answer.standing_stamp()));
    sheet.Add("record stamp", std::to_string(answer.record_stamp()));
    const v1::Delivery& delivery = answer.delivery();
    sheet.Add("delivery", v1::DeliveryState_Name(delivery.state()));
    if (delivery.has_expected()) sheet.Add("on the air by", LocalTime(delivery.expected()));
    if (delivery.has_on_air()) sheet.Add("on the air since", LocalTime(delivery.on_air()));
    if (delivery.has_bounded()) sheet.Add("dark at the latest", LocalTime(delivery.bounded()));
    sheet.Print(session.out());
  });
}

}  // namespace

void AddEntitlementCommands(Tree& tree) {
  tree.Noun("ecm", "Entitlement control messages");
  tree.Add<EcmFlags>("ecm", "issue", "Makes one ECM and prints its section in hexadecimal", DeclareEcm,
                     RunEcm);
  tree.Noun("card", "What a card may watch, and throwing one out");
  tree.Add<RefreshFlags>(
      "card", "refresh", "Puts everything that one card needs on the air",
      [](CLI::App& command, RefreshFlags& flags) {
        Card(command.add_option("card", flags.card, "The card"))->required();
        DeclareChange(command, flags.change, false);
      },
      RunRefresh);
  tree.Add<EvictFlags>("card", "evict", "Throws out cards that were cloned and re-groups the others",
                       DeclareEvict, RunEvict);
  tree.Add<CardFlags>(
      "card", "entitlement", "Rights and delivery of one card",
      [](CLI::App& command, CardFlags& flags) {
        Card(command.add_option("card", flags.card, "The card"))->required();
      },
      RunEntitlement);
}

}  // namespace hearth::ctl
