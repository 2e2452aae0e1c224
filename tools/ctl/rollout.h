// Rollouts (changes of cell lists and policy) as several commands propose and print them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "hearth/v1/rollout.pb.h"
#include "tools/ctl/session.h"

namespace hearth::ctl {

// What RolloutService.Propose is sent.
struct Proposal {
  hearth::v1::ProposeHeader header;
  // For each of header.lists: the cells that replace the list, or those that come to it with `edit`.
  std::vector<std::vector<std::string>> cells;
};

// Sends a proposal, under the request id of the run. Returns what stopped it.
std::optional<Failure> Propose(Session& session, const Client& client, const ChangeFlags& flags,
                               Proposal proposal, hearth::v1::RolloutResponse* answer);

// State, what changes, and what the preview counted, area by area and in total.
void PrintRollout(const hearth::v1::Rollout& rollout, std::ostream& out);
// The sentence "next: …" after it: what can be done with it now.
void PrintNext(const hearth::v1::Rollout& rollout, std::ostream& out);

// A province, prefecture or county: 2, 4 or 6 digits.
CLI::Option* Division(CLI::Option* option);

// "hearthctl rollout show 12", for messages.
std::string RolloutCommand(std::string_view verb, uint64_t number);

}  // namespace hearth::ctl
