// Reading the audit of one object (AdminService.ListAudit).
#pragma once

#include "src/app/executor.h"
#include "src/app/views.h"

namespace hearth::app {

struct AuditView {
  records::Audit entry;
  uint64_t revision = 0;
};

// `object` as the audit names it: "account:NX-1", "card:640000000001", "area:640122001", "list:640104001",
// "emergency:7", "site". FIELD_INVALID for another form. Oldest first.
Result<PageOf<AuditView>> ListAudit(Executor& executor, std::string_view object, size_t size,
                                    std::string_view token);

}  // namespace hearth::app
