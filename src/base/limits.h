// Every limit of Hearth with its reason, in one place. Over a limit is RESOURCE_EXHAUSTED (LIMIT_EXCEEDED or
// OVERLOADED) or back-pressure, never silent loss.
#pragma once

#include <chrono>
#include <cstddef>

namespace hearth {

struct Limits {
  // One gRPC message: a batch of 1,000 roster rows or 10,000 cells stays well below it.
  size_t grpc_message_bytes = 4 * 1024 * 1024;
  // Rows in one message of a bulk stream; keeps one message's work under 100 ms.
  size_t rows_per_batch = 1000;
  // A CSV row: the longest real one is under 1 KiB; beyond this a quote is missing.
  size_t csv_row_bytes = 64 * 1024;
  // Names, addresses, remarks: the roster's columns are far shorter.
  size_t text_bytes = 512;
  // Cells of one report: a module reports its serving cell and at most a few dozen neighbours.
  size_t cells_per_report = 32;
  // Villages of one area: a county has some hundred.
  size_t villages_per_area = 2000;
  // Cells of one list: one commit and its change record hold them all, 11 bytes each.
  size_t cells_per_list = 150'000;
  // Open server streams (watches): each holds a thread and a queue.
  size_t open_watches = 64;
  // Events a slow watcher may lag before it is told WATCH_COMPACTED and closed.
  size_t watch_queue_events = 10'000;
  // Requests being worked on at once; more answer OVERLOADED. Bounds the waiting commits in memory.
  size_t requests_in_flight = 4096;
  // Commits waiting for the commit thread; beyond it committers wait.
  size_t commits_waiting = 65'536;
  // And their bytes: a hundred of the largest values, and a few seconds of work for a slow disk.
  size_t commits_waiting_bytes = size_t{256} * 1024 * 1024;
  // Bytes of one store value; engine.md asks for 1 MB values to work.
  size_t store_value_bytes = 2 * 1024 * 1024;
  // Items of one push of a plan: a week of 70 channels with 40 programmes a day. Must fit into one message.
  size_t plan_items = 20'000;
  // Windows of one channel's plan: 40 days of 50 programmes. The timelines of all channels stay in memory.
  size_t plan_windows_per_channel = 2000;
  // Alerts of the emergency broadcast that are not over, proposals and cancelled ones among them: a box has
  // room for as many (docs/messages.md section 6).
  size_t emergencies_open = 64;
  // Cards of one eviction: each may bring 255 records of the others in its group, 0.4 s of 1 Mbit/s.
  size_t evicted_cards = 100;
  // Items of one page of a list call.
  size_t page_items = 1000;
  // Reports of one batch of a stream: a tenth of a second's work, and 1.5 MB of message.
  size_t reports_per_batch = 10'000;
  // Batches of one stream whose answers wait for a sync; the next one is read when one is answered.
  size_t report_batches_in_flight = 4;
  // Streams of reports open at once: each holds two threads and the memory of its batches, some 20 MB.
  size_t report_streams = 64;
  // Cards a second whose observed reports are made durable in the background: leaves the store most of what
  // it can do for decisions.
  size_t observed_saves_per_second = 20'000;
  // Age of a request_id that is still accepted; its dedup record is kept as long.
  std::chrono::hours request_id_age{24};
  // A report may be this old (the box may have waited for GPRS) and this far ahead (its clock drifts).
  std::chrono::hours report_age{72};
  std::chrono::minutes report_ahead{5};
  // A fix is at home this near to a village of the card's area: fields and pastures belong to it.
  double fix_radius_km = 10;
  // So many cards that report exactly the same cells and signals within identical_window are an alarm: homes
  // of one village hear the same cells, but not with the same signals.
  size_t identical_cards = 5;
  std::chrono::minutes identical_window{10};
  // More installations than this on one serving cell within an hour are an alarm: a crew does a home in half
  // an hour.
  size_t openings_per_cell = 20;
};

}  // namespace hearth
