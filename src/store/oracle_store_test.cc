#include "store/oracle_store.h"

#include "store/log_store_conformance_testing.h"

namespace postglass::store {
namespace {

class OracleUnderTest final : public StoreUnderTest {
 public:
  LogStore& store() override { return store_; }

 private:
  OracleStore store_;
};

INSTANTIATE_TEST_SUITE_P(Oracle, LogStoreConformance, testing::Values(StoreFactory([] {
                           return std::make_unique<OracleUnderTest>();
                         })));

}  // namespace
}  // namespace postglass::store
