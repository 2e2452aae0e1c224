// Random cells for property tests: few enough numbers that lists and reports meet.
#pragma once

#include <rapidcheck/gtest.h>

#include "geofence/cell.h"

namespace hearth::geofence {

// Any cell in range, extremes included.
inline rc::Gen<Cell> AnyCell() {
  return rc::gen::exec([] {
    Cell cell;
    cell.radio = *rc::gen::element(Radio::kGsm, Radio::kUmts, Radio::kLte, Radio::kNr, Radio::kCdma);
    cell.mcc = *rc::gen::inRange<uint16_t>(1, 1000);
    cell.mnc_digits = *rc::gen::element<uint8_t>(2, 3);
    cell.mnc = *rc::gen::inRange<uint16_t>(0, cell.mnc_digits == 3 ? 1000 : 100);
    const bool nr = cell.radio == Radio::kNr;
    const uint32_t max_area = nr ? 0xFFFFFF : 0xFFFF;
    const uint64_t max_cell = nr                           ? 0xFFFFFFFFF
                              : cell.radio == Radio::kGsm  ? 0xFFFF
                              : cell.radio == Radio::kCdma ? 0x7FFFFFFF
                                                           : 0xFFFFFFF;
    cell.area =
        *rc::gen::oneOf(rc::gen::element<uint32_t>(0, max_area), rc::gen::inRange<uint32_t>(0, max_area + 1));
    cell.cell =
        *rc::gen::oneOf(rc::gen::element<uint64_t>(0, max_cell), rc::gen::inRange<uint64_t>(0, max_cell + 1));
    return cell;
  });
}

// One of some dozen cells.
inline rc::Gen<Cell> FewCells() {
  return rc::gen::map(rc::gen::inRange(0, 24), [](int i) {
    return Cell{.radio = i % 2 == 0 ? Radio::kLte : Radio::kGsm,
                .mcc = 460,
                .mnc = static_cast<uint16_t>(i % 3),
                .mnc_digits = 2,
                .area = 33301,
                .cell = static_cast<uint64_t>(i)};
  });
}

}  // namespace hearth::geofence
