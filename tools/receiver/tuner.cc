#include "tools/receiver/tuner.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::receiver {
namespace {

Screen NoWordYet() { return Refused("E04", "No control word for this programme has come yet."); }

// The card or the box has answered, as against an ECM that counts for nobody.
bool Judged(const EcmResult& result) {
  const Why why = result.section.why;
  return why == Why::kTaken || why == Why::kNoKey || why == Why::kNoCard;
}

}  // namespace

void Tuner::Push(mpegts::Packet& packet) {
  const auto header = mpegts::ReadPacketHeader(packet);
  if (!header || header->error) return;
  if (clock_) clock_->Push(packet);
  if (header->pid == mpegts::kPatPid) return pat_.Push(packet, [&](ByteView section) { OnPat(section); });
  if (header->pid == mpegts::kCatPid) return cat_.Push(packet, [&](ByteView section) { OnCat(section); });
  if (header->pid == pmt_pid_) return pmt_.Push(packet, [&](ByteView section) { OnPmt(section); });
  if (header->pid == ecm_pid_) return ecm_.Push(packet, [&](ByteView section) { OnEcm(section); });
  if (const auto emm = emms_.find(header->pid); emm != emms_.end()) {
    return emm->second.Push(packet, [&](ByteView section) { host_.OnEmm(section); });
  }
  const bool ours = std::find(components_.begin(), components_.end(), header->pid) != components_.end();
  if (ours && header->scrambling != mpegts::kClear) Descramble(packet, *header);
}

void Tuner::Finish() {
  if (period_) host_.OnPeriod(*period_);
  period_.reset();
}

void Tuner::OnPat(ByteView section) {
  const auto pat = ts::ParsePat(section);
  if (!pat || !pat->head.current) return;
  have_pat_ = true;
  for (const ts::Programme& programme : pat->programmes) {
    const bool wanted = service_           ? programme.number == *service_
                        : options_.service ? programme.number == *options_.service
                                           : programme.number != 0;
    if (!wanted) continue;
    service_ = programme.number;
    if (programme.pid != pmt_pid_) {
      pmt_pid_ = programme.pid;
      pmt_ = {};
    }
    return;
  }
}

bool Tuner::Counts(const mpegts::CaDescriptor& descriptor) const {
  if (options_.ca_system_id && descriptor.system_id != *options_.ca_system_id) return false;
  return descriptor.private_bytes.empty() || descriptor.private_bytes[0] == options_.suite;
}

void Tuner::OnCat(ByteView section) {
  const auto cat = ts::ParseCat(section);
  if (!cat || !cat->head.current) return;
  for (const mpegts::CaDescriptor& descriptor : ts::FindCaDescriptors(cat->descriptors)) {
    if (Counts(descriptor)) emms_.try_emplace(descriptor.pid);
  }
}

void Tuner::OnPmt(ByteView section) {
  const auto pmt = ts::ParsePmt(section);
  if (!pmt || !pmt->head.current || pmt->head.extension != service_) return;
  have_pmt_ = true;
  if (pcr_pid_ != pmt->pcr_pid) {
    pcr_pid_ = pmt->pcr_pid;
    clock_.emplace(pmt->pcr_pid);
  }
  // A descriptor for the programme, or else the first for one of its components.
  auto descriptors = ts::FindCaDescriptors(pmt->descriptors);
  components_.clear();
  for (const ts::Component& component : pmt->components) {
    components_.push_back(component.pid);
    for (auto& one : ts::FindCaDescriptors(component.descriptors)) descriptors.push_back(std::move(one));
  }
  const auto found = std::find_if(descriptors.begin(), descriptors.end(),
                                  [&](const mpegts::CaDescriptor& one) { return Counts(one); });
  const auto pid = found == descriptors.end() ? std::nullopt : std::optional(found->pid);
  if (pid == ecm_pid_) return;
  ecm_pid_ = pid;
  ecm_ = {};
}

void Tuner::OnEcm(ByteView section) {
  if (section.empty() || (section[0] != kEcmEven && section[0] != kEcmOdd)) return;
  const EcmResult result = host_.OnEcm(section);
  if (!Judged(result)) return;
  NoteJudged(result, section[0] == kEcmEven ? ts::Parity::kEven : ts::Parity::kOdd);
}

void Tuner::NoteJudged(const EcmResult& result, ts::Parity first) {
  screen_ = result.screen;
  if (result.words.empty()) {
    words_.Forget(ts::Parity::kEven);
    words_.Forget(ts::Parity::kOdd);
  }
  ts::Parity parity = first;
  for (const Word& word : result.words) {
    const bool granted = word.word.size() > 0 && words_.Set(parity, word.word.secret_bytes());
    if (!granted) {
      words_.Forget(parity);
      if (screen_.lit()) screen_ = word.screen;
    }
    parity = ts::Other(parity);
  }
}

void Tuner::Descramble(mpegts::Packet& packet, const mpegts::PacketHeader& header) {
  const ts::Parity parity = header.scrambling == mpegts::kOddKey ? ts::Parity::kOdd : ts::Parity::kEven;
  if (period_ && period_->parity != parity) Finish();
  if (!period_) period_ = Period{periods_++, now(), parity, 0, 0, {}};
  ++period_->packets;
  if (words_.Descramble(packet) == ts::WordPair::Outcome::kNoWord) {
    ++period_->dark;
    period_->screen = screen_.lit() ? NoWordYet() : screen_;
  }
}

std::vector<mpegts::Pid> Tuner::emm_pids() const {
  std::vector<mpegts::Pid> pids;
  for (const auto& [pid, assembler] : emms_) pids.push_back(pid);
  return pids;
}

std::string Tuner::Missing() const {
  if (!have_pat_) return "there is no PAT in it";
  if (!service_ && options_.service) return fmt::format("its PAT has no programme {}", *options_.service);
  if (!service_) return "its PAT has no programme";
  if (!have_pmt_) return fmt::format("it has no PMT of programme {}", *service_);
  return "";
}

std::chrono::nanoseconds Tuner::now() const { return clock_ ? clock_->now() : std::chrono::nanoseconds(0); }

}  // namespace hearth::receiver
