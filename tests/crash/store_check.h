// What lies on the disk after the last daemon has stopped, read without it.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace hearth::crash {

// Opens the store. Test failures for everything that is not so:
//   change records   of each bucket are there from 1 to its sequence; replayed from nothing they give exactly
//                    its objects
//   audit            each entry holds the hash of the one before, and the bucket's head that of the last
//   sagas            none is left behind
//   groups           each card is in the slot that it is told, and the slot's bit is its standing; the slots
//                    of cards that have left are dark
//   sections         the file consists of whole ones; each 0x83 is authentic; each card in `lit` was switched
//                    on at least once; the newest one of a card says its standing
void CheckStore(const std::filesystem::path& store, const std::filesystem::path& sections,
                const std::set<std::string>& lit);

}  // namespace hearth::crash
