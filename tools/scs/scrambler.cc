#include "tools/scs/scrambler.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::scs {
namespace {

// 9 MB: every table of a stream comes within a second or so.
constexpr size_t kMaxHeld = 50'000;
// How often answers are looked for, in packets.
constexpr uint64_t kLookEvery = 32;
constexpr std::chrono::milliseconds kWaitStep{100};
constexpr mpegts::Pid kFirstFreePid{0x0010};

Error Unusable(std::string why) { return Error(Reason::kSectionMalformed, std::move(why)); }

}  // namespace

Scrambler::Scrambler(const ScramblerOptions& options, EcmSource& source, RandomSource& random)
    : options_(options), source_(source), inserter_(options.null_patience) {
  for (const ServiceOptions& one : options.services) {
    Programme programme;
    programme.number = one.programme;
    programme.crypto =
        std::make_unique<Service>(services_.size(), one.ecm_pid, options.crypto, source, random);
    services_.push_back(std::move(programme));
  }
}

Result<std::unique_ptr<Scrambler>> Scrambler::Create(const ScramblerOptions& options, EcmSource& source,
                                                     RandomSource& random) {
  if (options.services.empty()) return InvalidField("service", "at least one programme");
  std::set<std::optional<uint16_t>> numbers;
  std::set<mpegts::Pid> pids;
  for (const ServiceOptions& one : options.services) {
    if (!numbers.insert(one.programme).second) return InvalidField("service", "each programme once");
    if (one.ecm_pid < kFirstFreePid || one.ecm_pid >= mpegts::kNullPid || !pids.insert(one.ecm_pid).second) {
      return InvalidField("ecm-pid", "a PID of its own from 0x10 to 0x1FFE for each programme");
    }
  }
  if (numbers.size() > 1 && numbers.count(std::nullopt) > 0) {
    return InvalidField("service", "a number for each of several programmes");
  }
  HEARTH_RETURN_IF_ERROR(
      mpegts::EncodeCaDescriptor({options.ca_system_id, options.services[0].ecm_pid, options.private_bytes}));
  return std::unique_ptr<Scrambler>(new Scrambler(options, source, random));
}

Status Scrambler::Push(const mpegts::Packet& packet, Bytes* out) {
  if (started_) return Process(packet, out);
  held_.push_back(packet);
  HEARTH_RETURN_IF_ERROR(Learn(packet));
  if (!Learned()) {
    if (held_.size() < kMaxHeld) return Ok();
    return Unusable(fmt::format("{} within {} packets", Unlearned(), kMaxHeld));
  }
  HEARTH_RETURN_IF_ERROR(Start());
  const std::vector<mpegts::Packet> held = std::move(held_);
  for (const mpegts::Packet& one : held) HEARTH_RETURN_IF_ERROR(Process(one, out));
  return Ok();
}

Status Scrambler::Finish(Bytes* out) {
  if (!started_) return Unusable(fmt::format("{} in {} packets", Unlearned(), held_.size()));
  inserter_.Flush(out);
  return Ok();
}

Status Scrambler::Learn(const mpegts::Packet& packet) {
  const auto header = mpegts::ReadPacketHeader(packet);
  if (!header) return Ok();
  if (header->pid == mpegts::kPatPid) pat_.Push(packet, [&](ByteView section) { OnPat(section); });
  if (const auto pmt = pmts_.find(header->pid); pmt != pmts_.end()) {
    pmt->second.Push(packet, [&](ByteView section) { OnPmt(section); });
  }
  return Ok();
}

void Scrambler::OnPat(ByteView section) {
  const auto pat = ts::ParsePat(section);
  if (!pat || !pat->head.current) return;
  have_pat_ = true;
  for (const ts::Programme& programme : pat->programmes) {
    for (Programme& service : services_) {
      const bool wanted = service.number ? *service.number == programme.number : programme.number != 0;
      if (!wanted || service.pmt_pid) continue;
      service.number = programme.number;
      service.pmt_pid = programme.pid;
      pmts_.try_emplace(programme.pid);
      rewriters_.try_emplace(programme.pid, programme.pid);
    }
  }
}

void Scrambler::OnPmt(ByteView section) {
  auto pmt = ts::ParsePmt(section);
  if (!pmt || !pmt->head.current) return;
  for (Programme& service : services_) {
    if (service.number != pmt->head.extension) continue;
    service.components.clear();
    for (const ts::Component& component : pmt->components) {
      if (ts::IsPes(component.type)) service.components.insert(component.pid);
    }
    service.pmt = *pmt;
  }
}

bool Scrambler::Learned() const {
  return std::all_of(services_.begin(), services_.end(),
                     [](const Programme& one) { return one.pmt.has_value(); });
}

std::string Scrambler::Unlearned() const {
  if (!have_pat_) return "there is no PAT";
  for (const Programme& one : services_) {
    if (!one.number) return "there is no programme in the PAT";
    if (!one.pmt_pid) return fmt::format("there is no programme {} in the PAT", *one.number);
    if (!one.pmt) return fmt::format("there is no PMT of programme {}", *one.number);
  }
  return "";
}

Status Scrambler::CheckPids() const {
  for (const Programme& service : services_) {
    if (!ts::FindCaDescriptors(service.pmt->descriptors).empty()) {
      return Unusable(fmt::format("programme {} has a CA system already", *service.number));
    }
    for (const Programme& other : services_) {
      const mpegts::Pid pid = other.crypto->ecm_pid();
      bool used = service.pmt_pid == pid || service.pmt->pcr_pid == pid;
      for (const ts::Component& one : service.pmt->components) used = used || one.pid == pid;
      if (used)
        return Unusable(
            fmt::format("ECM PID 0x{:04X} is in use in programme {}", pid.value, *service.number));
    }
  }
  return Ok();
}

Status Scrambler::Start() {
  HEARTH_RETURN_IF_ERROR(CheckPids());
  for (Programme& service : services_) HEARTH_RETURN_IF_ERROR(service.crypto->Begin());
  HEARTH_RETURN_IF_ERROR(WaitFor(
      [&] {
        return std::all_of(services_.begin(), services_.end(),
                           [](const Programme& one) { return one.crypto->ready(); });
      },
      "the first ECMs"));
  clock_.emplace(services_.front().pmt->pcr_pid);
  for (Programme& service : services_) HEARTH_RETURN_IF_ERROR(service.crypto->Start(StreamTime(0)));
  started_ = true;
  return Ok();
}

Status Scrambler::WaitFor(const std::function<bool()>& done, std::string_view what) {
  const auto end = std::chrono::steady_clock::now() + options_.patience;
  HEARTH_RETURN_IF_ERROR(TakeEcms(std::chrono::milliseconds(0)));
  while (!done()) {
    if (std::chrono::steady_clock::now() >= end) {
      return Error(Reason::kOutputFailed,
                   fmt::format("the ECMG did not send {} within {} ms", what, options_.patience.count()));
    }
    HEARTH_RETURN_IF_ERROR(TakeEcms(kWaitStep));
  }
  return Ok();
}

Status Scrambler::TakeEcms(std::chrono::milliseconds timeout) {
  HEARTH_ASSIGN_OR_RETURN(const std::vector<Ecm> ecms, source_.Take(timeout));
  for (const Ecm& ecm : ecms) {
    if (ecm.stream < services_.size()) HEARTH_RETURN_IF_ERROR(services_[ecm.stream].crypto->Take(ecm));
  }
  return Ok();
}

Status Scrambler::AdvanceAll() {
  const StreamTime at = clock_->now();
  bool waits = false;
  for (const Programme& service : services_) waits = waits || service.crypto->Waits(at);
  if (waits && options_.wait_for_ecms) {
    HEARTH_RETURN_IF_ERROR(WaitFor(
        [&] {
          return std::none_of(services_.begin(), services_.end(),
                              [&](const Programme& one) { return one.crypto->Waits(at); });
        },
        "an ECM"));
  } else if (waits || packets_ % kLookEvery == 0) {
    HEARTH_RETURN_IF_ERROR(TakeEcms(std::chrono::milliseconds(0)));
  }
  for (Programme& service : services_) {
    HEARTH_RETURN_IF_ERROR(service.crypto->Advance(at, &inserter_));
    if (service.crypto->counts().periods == service.told) continue;
    service.told = service.crypto->counts().periods;
    if (on_period_) on_period_(*service.number, service.crypto->period(), at);
  }
  return Ok();
}

Status Scrambler::Process(const mpegts::Packet& packet, Bytes* out) {
  const auto header = mpegts::ReadPacketHeader(packet);
  if (!header) {
    inserter_.Pass(packet, clock_->now(), out);
    return Ok();
  }
  clock_->Push(packet);
  ++packets_;
  HEARTH_RETURN_IF_ERROR(AdvanceAll());
  if (const auto rewriter = rewriters_.find(header->pid); rewriter != rewriters_.end()) {
    return PassTable(packet, rewriter->second, out);
  }
  mpegts::Packet own = packet;
  for (Programme& service : services_) {
    if (service.components.count(header->pid) == 0) continue;
    if (header->scrambling != mpegts::kClear) ++already_scrambled_;
    service.crypto->Scramble(&own);
    break;
  }
  inserter_.Pass(own, clock_->now(), out);
  return Ok();
}

Status Scrambler::PassTable(const mpegts::Packet& packet, ts::TableRewriter& rewriter, Bytes* out) {
  std::vector<Programme*> unannounced;
  for (Programme& service : services_) {
    if (!service.announced) unannounced.push_back(&service);
  }
  rewriter.Pass(
      packet, [&](ByteView section) { return Announce(section); }, clock_->now(), &inserter_, out);
  for (Programme* service : unannounced) {
    if (!service->announced) continue;
    // Whoever tunes in here finds the ECM at once, before the first packet that needs it.
    service->crypto->Repeat();
    HEARTH_RETURN_IF_ERROR(service->crypto->Advance(clock_->now(), &inserter_));
    inserter_.Flush(out);
  }
  return Ok();
}

std::optional<Bytes> Scrambler::Announce(ByteView section) {
  auto pmt = ts::ParsePmt(section);
  if (!pmt) return std::nullopt;
  for (Programme& service : services_) {
    if (service.number != pmt->head.extension) continue;
    if (pmt->head.current) OnPmt(section);
    service.announced = true;
    pmt->head.version = (pmt->head.version + 1) & 0x1F;
    ByteWriter descriptors;
    descriptors.Put(pmt->descriptors);
    // Valid by Create.
    descriptors.Put(*mpegts::EncodeCaDescriptor(
        {options_.ca_system_id, service.crypto->ecm_pid(), options_.private_bytes}));
    if (!ts::HasDescriptor(pmt->descriptors, ts::kScramblingDescriptorTag)) {
      descriptors.U8(ts::kScramblingDescriptorTag).U8(1).U8(ts::ScramblingMode(options_.crypto.algorithm));
    }
    pmt->descriptors = std::move(descriptors).Take();
    auto built = ts::BuildPmt(*pmt);
    return built ? std::optional(*built) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace hearth::scs
