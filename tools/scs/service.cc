#include "tools/scs/service.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/ts/sections.h"

namespace hearth::scs {
namespace {

// CP_number has 16 bits and wraps.
uint16_t NumberOf(int64_t period) { return static_cast<uint16_t>(period); }

}  // namespace

Service::Service(size_t stream, mpegts::Pid ecm_pid, const CryptoOptions& options, EcmSource& source,
                 RandomSource& random)
    : stream_(stream),
      ecm_pid_(ecm_pid),
      options_(options),
      source_(source),
      random_(random),
      packetiser_(ecm_pid, mpegts::Packing::kPadded) {}

Status Service::Begin() {
  terms_ = source_.terms();
  if (terms_.cw_per_msg == 0)
    return Error(Reason::kFieldInvalid, "the ECMG wants no control word in its messages");
  if (options_.crypto_period < terms_.min_crypto_period) {
    return InvalidField("crypto-period", fmt::format("the ECMG wants crypto periods of at least {} ms",
                                                     terms_.min_crypto_period.count()));
  }
  return AskFor(0);
}

const Bytes& Service::WordOf(int64_t period) {
  Bytes& word = word_of_[period];
  if (word.empty()) {
    word.resize(ts::WordBytes(options_.algorithm));
    random_.Fill(word);
  }
  return word;
}

Status Service::AskFor(int64_t period) {
  std::vector<PeriodWord> words;
  const int64_t last = period + terms_.lead_cw;
  for (int64_t one = last - terms_.cw_per_msg + 1; one <= last; ++one) {
    words.push_back({NumberOf(one), WordOf(one)});
  }
  asked_ = period;
  return source_.Ask(stream_, NumberOf(period), words);
}

Status Service::Take(const Ecm& ecm) {
  // A late answer to an older question counts for its own period only, which is over.
  if (ecm.cp_number != NumberOf(asked_) || has(asked_)) return Ok();
  newest_ecm_ = asked_;
  ++counts_.ecms;
  ecms_.push_back({asked_, ecm.datagram});
  return Ok();
}

Status Service::Start(StreamTime now) { return BeginPeriod(0, now); }

Status Service::BeginPeriod(int64_t period, StreamTime now) {
  period_ = period;
  ++counts_.periods;
  begins_ = now;
  next_begins_ = now + options_.crypto_period;
  HEARTH_RETURN_IF_ERROR(words_.Set(ts::ParityOf(NumberOf(period)), WordOf(period)));
  word_of_.erase(word_of_.begin(), word_of_.lower_bound(period - terms_.cw_per_msg));
  return AskFor(period + 1);
}

Status Service::Advance(StreamTime now, ts::Inserter* inserter) {
  if (now >= next_begins_ && has(period_ + 1)) {
    const StreamTime late = now - next_begins_;
    // Beyond the next packet or two it is the ECMG that was late: the periods then follow from here.
    const bool prolonged = late > std::chrono::milliseconds(100);
    if (prolonged) ++counts_.late;
    counts_.late_longest = std::max(counts_.late_longest, late);
    HEARTH_RETURN_IF_ERROR(BeginPeriod(period_ + 1, prolonged ? now : next_begins_));
  }
  while (ecms_.size() > 1 && FirstSending(ecms_[1].period) <= now) {
    ecms_.pop_front();
    next_ecm_.reset();
  }
  if (ecms_.empty() || (next_ecm_ && now < *next_ecm_) || Over(ecms_.front().period, now)) return Ok();
  next_ecm_ = now + terms_.repetition;
  return SendEcm(now, inserter);
}

StreamTime Service::FirstSending(int64_t period) const {
  if (period == 0) return StreamTime(0);  // there was none before it
  // The one of the next period may have its turn before the period: delay_start can be negative.
  return (period <= period_ ? begins_ : next_begins_) + terms_.delay_start;
}

bool Service::Over(int64_t period, StreamTime now) const {
  if (period < period_) return now >= begins_ + terms_.delay_stop;
  // While the next ECM is late, this period has no end yet.
  const bool end_known = period == period_ && now < next_begins_;
  return end_known && now >= next_begins_ + terms_.delay_stop;
}

Status Service::SendEcm(StreamTime now, ts::Inserter* inserter) {
  std::vector<mpegts::Packet> packets;
  const Bytes& datagram = ecms_.front().datagram;
  if (terms_.ts_packets) {
    for (size_t at = 0; at + mpegts::kPacketBytes <= datagram.size(); at += mpegts::kPacketBytes) {
      HEARTH_RETURN_IF_ERROR(
          packetiser_.AddPacket(ByteView(datagram).subspan(at, mpegts::kPacketBytes), &packets));
    }
  } else {
    HEARTH_RETURN_IF_ERROR(packetiser_.Add(datagram, &packets));
  }
  for (const mpegts::Packet& packet : packets) inserter->Queue(packet, now);
  counts_.ecm_packets += packets.size();
  return Ok();
}

void Service::Scramble(mpegts::Packet* packet) {
  const bool done = words_.Scramble(ts::ParityOf(NumberOf(period_)), *packet);
  const auto header = mpegts::ReadPacketHeader(*packet);
  if (done && header && header->scrambling != mpegts::kClear) ++counts_.scrambled;
}

}  // namespace hearth::scs
