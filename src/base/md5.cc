#include "base/md5.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace postglass {

std::string Md5(std::string_view data) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out, &size, EVP_md5(), nullptr) == 1);
  return {reinterpret_cast<const char*>(out), size};
}

}  // namespace postglass
