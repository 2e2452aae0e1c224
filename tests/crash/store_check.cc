#include "tests/crash/store_check.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "src/app/executor.h"
#include "src/base/clock.h"
#include "src/base/metrics.h"
#include "src/cas/group.h"
#include "src/cas/unique.h"
#include "src/crypto/primitives.h"
#include "src/mpegts/section.h"
#include "src/records/records.h"
#include "src/store/rocks/rocks_store.h"
#include "tests/crash/site.h"

namespace hearth::crash {
namespace {

using entitlement::Standing;
using Objects = std::map<std::string, std::string>;  // key → revision ‖ record, as stored

constexpr char kAuditHead[] = "~audit";

void ForEach(store::Store& store, store::BucketId bucket, store::Space space,
             const std::function<void(const store::KeyValue&)>& visit) {
  std::string after;
  for (;;) {
    const auto page = store.Scan(bucket, space, "", after, 1000);
    ASSERT_TRUE(page) << page.error().ToString();
    for (const store::KeyValue& item : page->items) visit(item);
    if (!page->more || page->items.empty()) return;
    after = page->items.back().key;
  }
}

// The objects that the change records alone give.
Objects Replay(store::Store& store, store::BucketId bucket, uint64_t sequence) {
  Objects objects;
  uint64_t expected = 0;
  ForEach(store, bucket, store::Space::kRecord, [&](const store::KeyValue& item) {
    EXPECT_EQ(store::SequenceOfKey(item.key), ++expected) << "record of bucket " << bucket.value;
    const auto record = records::Decode<records::ChangeRecord>(item.value);
    ASSERT_TRUE(record) << record.error().ToString();
    for (const std::string& key : record->deletes) objects.erase(key);
    for (const auto& [key, value] : record->puts) objects[key] = value;
  });
  EXPECT_EQ(expected, sequence) << "records of bucket " << bucket.value;
  return objects;
}

// The hash of the last entry; empty without entries.
std::string CheckAudit(store::Store& store, store::BucketId bucket) {
  std::string former;
  ForEach(store, bucket, store::Space::kAudit, [&](const store::KeyValue& item) {
    const auto entry = records::Decode<records::Audit>(item.value);
    ASSERT_TRUE(entry) << entry.error().ToString();
    EXPECT_EQ(entry->previous_hash, former)
        << "audit of bucket " << bucket.value << " at " << store::SequenceOfKey(item.key);
    const auto hash = crypto::Sha256(AsBytes(item.value));
    former = std::string(AsChars(hash));
  });
  return former;
}

// All objects of all buckets, checked against records and audit.
Objects CheckBuckets(store::Store& store) {
  Objects all;
  const auto sequences = store.Sequences();
  EXPECT_TRUE(sequences) << sequences.error().ToString();
  if (!sequences) return all;
  for (const auto& [bucket, sequence] : *sequences) {
    if (bucket > store::kSystemBucket) continue;
    Objects stored;
    ForEach(store, bucket, store::Space::kObject,
            [&](const store::KeyValue& item) { stored[item.key] = item.value; });
    EXPECT_EQ(Replay(store, bucket, sequence), stored) << "bucket " << bucket.value;
    const std::string last_hash = CheckAudit(store, bucket);
    const auto head = stored.find(kAuditHead);
    const auto head_value = head == stored.end() ? std::nullopt : std::optional(head->second.substr(8));
    EXPECT_EQ(head_value.value_or(""), last_hash) << "audit head of bucket " << bucket.value;
    all.merge(stored);
  }
  return all;
}

template <typename T>
std::vector<T> AllOf(const Objects& objects, std::string_view prefix) {
  std::vector<T> found;
  for (auto it = objects.lower_bound(std::string(prefix));
       it != objects.end() && it->first.starts_with(prefix); ++it) {
    const auto object = app::SplitRevision(it->second);
    auto value = records::Decode<T>(object->value);
    EXPECT_TRUE(value) << it->first;
    if (value) found.push_back(std::move(*value));
  }
  return found;
}

using Cards = std::map<CardNumber, entitlement::Card>;

void CheckGroups(const Objects& objects, const Cards& cards) {
  std::map<GroupId, entitlement::Group> groups;
  for (auto& record : AllOf<records::GroupRecord>(objects, "group/")) {
    groups.emplace(record.group.id, std::move(record.group));
  }
  for (const auto& [number, card] : cards) {
    if (card.place.group.value == 0) continue;
    const auto group = groups.find(card.place.group);
    const bool seated = group != groups.end() && card.place.slot < group->second.members.size() &&
                        group->second.members[card.place.slot].card == number;
    EXPECT_TRUE(seated) << "card " << ToString(number) << " is not in slot "
                        << static_cast<int>(card.place.slot) << " of group " << card.place.group.value;
  }
  for (const auto& [id, group] : groups) {
    for (size_t slot = 0; slot < group.members.size(); ++slot) {
      const entitlement::GroupMember& member = group.members[slot];
      const auto card = cards.find(member.card);
      ASSERT_NE(card, cards.end());
      const bool here = card->second.place.group == id && card->second.place.slot == slot;
      EXPECT_EQ(member.on, here && card->second.standing != Standing::kDark)
          << "group " << id.value << " slot " << slot << ", card " << ToString(member.card)
          << (here ? "" : ", which has left");
    }
  }
}

// What a receiver of everything on the air knows.
struct Bitmap {
  Stamp stamp;
  cas::GroupBitmap bits;
};
struct Heard {
  std::map<CardNumber, cas::UniqueStanding> cards;  // newest of each
  std::map<GroupId, Bitmap> groups;                 // newest of each
};

Heard ReadSections(const std::filesystem::path& path) {
  const crypto::BatchMaster master(*crypto::Key128::FromBytes(AsBytes(kBatchKey)));
  std::map<CardNumber, crypto::CardMacKey> keys;
  Heard heard;
  const auto take = [&](ByteView section) {
    if (section.front() == static_cast<uint8_t>(cas::TableId::kGroup)) {
      ByteReader in(section.subspan(4));
      const GroupId group(in.U24());
      (void)in.U8();  // generation
      const Stamp stamp(in.U40());
      Bitmap& known = heard.groups[group];
      if (stamp < known.stamp) return;
      known.stamp = stamp;
      std::array<uint8_t, 32> bits{};
      std::copy_n(section.begin() + 15, bits.size(), bits.begin());
      known.bits = cas::GroupBitmap(bits);
    }
    if (section.front() != static_cast<uint8_t>(cas::TableId::kUniqueStanding)) return;
    ASSERT_GE(section.size(), 9U);
    const CardNumber card(ByteReader(section.subspan(4)).U40());
    if (!keys.contains(card)) {
      keys.emplace(card, *crypto::CardMacKeyFor(*crypto::CardKeyFor(master, card)));
    }
    const auto standing = cas::DecodeUniqueStanding(section, keys.at(card));
    ASSERT_TRUE(standing) << standing.error().ToString();
    cas::UniqueStanding& known = heard.cards[card];
    if (standing->stamp >= known.stamp) known = *standing;
  };
  mpegts::SectionSplitter splitter;
  std::ifstream file(path, std::ios::binary);
  std::string chunk(size_t{1} << 16, '\0');
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0) {
    const Status status =
        splitter.Push(AsBytes(std::string_view(chunk).substr(0, static_cast<size_t>(file.gcount()))), take);
    EXPECT_TRUE(status) << status.error().ToString();
    if (!status) return heard;
  }
  EXPECT_TRUE(splitter.Finish()) << "the last section is torn";
  return heard;
}

// A message of its own says each card's newest standing, or the bitmap of its group does.
void CheckAir(const Heard& heard, const Cards& cards, const std::set<std::string>& lit) {
  for (const std::string& text : lit) EXPECT_TRUE(cards.contains(*ParseCardNumber(text))) << text;
  size_t by_bitmap = 0;
  for (const auto& [number, card] : cards) {
    const auto alone = heard.cards.find(number);
    if (alone != heard.cards.end()) {
      EXPECT_LE(alone->second.stamp, card.standing_stamp) << "card " << ToString(number);
      if (alone->second.stamp == card.standing_stamp) {
        EXPECT_EQ(alone->second.standing, card.standing) << "card " << ToString(number);
        continue;
      }
    }
    if (card.standing_stamp == Stamp()) continue;  // never in an account
    const auto group = heard.groups.find(card.place.group);
    ASSERT_NE(group, heard.groups.end()) << "card " << ToString(number) << " was told nothing";
    EXPECT_GE(group->second.stamp, card.standing_stamp) << "card " << ToString(number);
    EXPECT_EQ(group->second.bits.IsOn(card.place.slot), card.standing != Standing::kDark)
        << "card " << ToString(number);
    ++by_bitmap;
  }
  std::cout << heard.cards.size() << " cards told alone, " << by_bitmap << " by their bitmap" << std::endl;
}

}  // namespace

void CheckStore(const std::filesystem::path& path, const std::filesystem::path& sections,
                const std::set<std::string>& lit) {
  const SystemClock clock;
  NullMetrics metrics;
  const auto store = store::OpenRocksStore(path, clock, metrics);
  ASSERT_TRUE(store) << store.error().ToString() << " " << store.error().detail();
  const Objects objects = CheckBuckets(**store);
  const auto saga = objects.lower_bound("saga/");
  EXPECT_TRUE(saga == objects.end() || !saga->first.starts_with("saga/")) << saga->first << " is left behind";
  Cards cards;
  for (auto& record : AllOf<records::CardRecord>(objects, "card/")) {
    cards.emplace(record.card.number, std::move(record.card));
  }
  EXPECT_EQ(cards.size(), kWorkers * kCardsEach);
  CheckGroups(objects, cards);
  CheckAir(ReadSections(sections), cards, lit);
}

}  // namespace hearth::crash
