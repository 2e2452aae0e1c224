// One valid form, account and request id to start from.
#pragma once

#include "entitlement/account.h"

namespace hearth::entitlement {

inline RequestId Request(uint8_t n) { return RequestId::FromParts(UnixMillis(1'764'000'000'000), {n}); }

inline const Devices kDevices = {
    .card = CardNumber(640000000017), .box = BoxSerial(6400000000000017), .sim = SimNumber(13900000017)};

inline Form GoodForm() {
  return {.form_number = "NX-640122-0017",
          .person = {.name = "李桂兰",
                     .person_id = "11010519491231002X",
                     .phone = "09518888888",
                     .address = "贺兰县洪广镇",
                     .subsidy_class = SubsidyClass::kFiveGuarantee},
          .village = RegionCode(640122100201),
          .devices = kDevices};
}

inline Actor By(std::string name, std::string reason = "lost card", int64_t now = 1000) {
  return {.name = std::move(name), .reason = std::move(reason), .approver = "chief", .now = UnixMillis(now)};
}

inline Account OpenAccount() {
  Account account;
  account.form = GoodForm();
  account.area = AreaId(640122001);
  account.state = AccountState::kOpen;
  account.place = {.group = GroupId(7), .slot = 3};
  return account;
}

}  // namespace hearth::entitlement
