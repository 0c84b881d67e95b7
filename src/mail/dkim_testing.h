#pragma once

#include <string_view>

namespace postglass::mail {

// A private key that signs nothing anywhere: RSA, 1024 bits, PKCS #1, as SES's API takes it.
inline constexpr std::string_view kDkimTestKey =
    "MIICXgIBAAKBgQCfMuCkIm8BPXFj097lflnJ0sOwfylg1fPkVhUAL0Co4eVOan0D3DLR3BoY99kYzZJB"
    "B4mtyXTT70NAOvIy6q/ejHMCuZCAq+eoxY2WsmKmhD0FWF8W0Ucgf5wp3gP8Lnvck/l3FaBgFhL+A7Rb"
    "2gDm8vTnYXxs8XZciuM/RB4InQIDAQABAoGBAJFWin1uLjdMl9NSXwDXDDPT5fGg9e7BBSslZ4DGotpL"
    "eOPRFhbLFd4/edfnldwt+OLDde8hpzXBDn16Exlm5mzu4bo9mG+kEDQ6XH1mj6dxBwYh/gpv8waJB5yk"
    "64GnHc8GOj6bVc7rAYWERXsh/Oqa/AtKw3A9xaSJBwOk2JCBAkEAyoR9pffV4vOzULHA+GrKjKH62Qqg"
    "r/u91Y/0L5qta9/asEtnLsp45DNnv08yWn5X1Sw0Ni2hCUQOpdu87G7B/QJBAMk9wKtN0YkCGC4dmHNg"
    "rv2dgCY0F1J/bOYRpSKmkWGm0+FSOouSsAjM0pObah4YoNbXDcWYYtv7M529P8ZaUyECQQCE/ij9exns"
    "5plVXsYY3RiS7jSrn70SlMF/o/9525wTgXg92eay5agqRE/XZIzuvJW1mkfXZHOigB0Wco1IvxuJAkEA"
    "nXmpT2Ox2Bi/ezbFmWPLC8M4CK0youf7+31LT/YwRc4ad3O1RIshHYHKNp+jRrHXCsd2i21XzvSfy4vQ"
    "YBNGgQJANoTD/G/OwPodmHr8tG3SmqIv8nwefBlXf9NUjsDoweJ13FI5ZrLPWBvi8Uj+dFOPYNldlX1w"
    "sS3z/edXIYV2dw==";

}  // namespace postglass::mail
