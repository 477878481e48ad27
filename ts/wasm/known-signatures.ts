/**
 * One good signature for each algorithm, with its key: what a run time's `node:crypto` is tried with before it is trusted.
 *
 * In: nothing. Out: keys as JWKs, signatures in base64url. Never: a key that verifies anything else: the private keys
 * were made for these lines, and are gone.
 */

import type { JsonWebKey } from "node:crypto";

/** What every signature here signs, in UTF-8. */
export const KNOWN_MESSAGE = "oidc-spa-native";

export interface KnownSignature {
    readonly jwk: JsonWebKey;
    readonly good: string;
    /** A signature that a careless verifier accepts. Of PS*: with a salt of no bytes (RFC 7518 section 3.5 wants the hash's length). */
    readonly bad?: string;
}

const RSA: JsonWebKey = {
    kty: "RSA",
    n:
        "iQX79TuE8aXUAKUCpih9K-LXDCwP1Sdro5Nu9hyq75uly1-4wuCn2l2XQSLbwCigAQtI7wYb9zNWgrfhTGtKCXe7k5usCe35bRVv1nj5" +
        "6hdYLwdK8akVudJb7GnVSftY4DT0qv36RKkNj7KCcQoiF5Y6s7At99FCgHwyvZ27SEffNnxalv8H0I-bh0wCmDFp68oygVtvLvT2aoj6" +
        "5hzO8n63B2O1-7EoxIVrkx-fmfSzVvFsmvPlXK4gpLgm_BsdvVJdfOqWKumpWuf9SuqYdnooarTnItwn6J7EvOxozKfBSFjNIfZq655u" +
        "Ufc8VgTaQW16kZwtQaubFS-CGgEQTQ",
    e: "AQAB"
};

const P_256: JsonWebKey = {
    kty: "EC",
    x: "Nw8YZGqVTXUUD0uYIjo7qwif6OA-oNFTMsHaB9_3g3s",
    y: "nH_9cXNZ4j-Tc8gqq1BYHeSPF7XfNKQx8yIz-X9Zco4",
    crv: "P-256"
};

const P_384: JsonWebKey = {
    kty: "EC",
    x: "5lpuc0Idcm_Hl7W-bRgCTmJkZzUHwZbbNbVeglJiUE99HCgmHcd_pYsocW9FXboy",
    y: "ODwlNx1taG8er1e1BbqjqyQiNR5kyjoWkbsQkRiDnZ2PwgqkZ10XIpW50tOUTae0",
    crv: "P-384"
};

const P_521: JsonWebKey = {
    kty: "EC",
    x: "AEg2ba5TX-z47Q8qmxjfFBVavD0HnNYsaT7T-BEWfr7Bm9xr7eeu9aQFFsXmXdsEqwrBimGlzqWI536tCr-j7LAE",
    y: "AfX77_smoJ93G2gl_AHDXJIfmVabUOZw-hm0FRHMWQfKOgKVdI2zIK4soO6sgl89W_xNJpCg7DaXnTt_0LGJzZyx",
    crv: "P-521"
};

const ED25519: JsonWebKey = {
    crv: "Ed25519",
    x: "23decxfAu-v_YorbztwMy6ZGVbEBkepV3SGafXc9z04",
    kty: "OKP"
};

export const KNOWN_SIGNATURES: { readonly [algorithm: string]: KnownSignature } = {
    RS256: {
        jwk: RSA,
        good:
            "E3eZ79bjclXcw8O4J8ewn3ns-Qi7dv0AX0J2nWA4eUfHhwRu0nDeqKhdJdm5T0eq-RKyob4oXi2ReYw__y6oKEQB8sqGLqsLTNQOYRUz" +
            "iGhSNJtn26OnxRixagmHBlcWxLuqbv0JOrz3ING_FTfACu2k9QJSITGvv2-IGFqnB9jSWkQEBBdLvrGT4zXT4QGGrheLIFfgTJyAhPCs" +
            "w4v-PLe5lXtUzF6T39WFqppl4-sEgEfu4O41uoVTp6GzxyEflsriQEXXZmEbaoEI0vc9y4MdJkqhCUiaaQble3zy9ZJmsK7O7uACP3ZW" +
            "cs2I0MEJzPcUVx5Itfk78yO1V9Qqig"
    },
    PS256: {
        jwk: RSA,
        good:
            "MlW02XGxkvVVSlz7tuoj2jw0jaot_6Kqw-HLutPOrkuT63rkCZOVTbue0eK0VLv7YbeZyMs6FessAi6GECFO4yYCIVuzRAf1rBHoHn9h" +
            "KwqK-ZO9n4Fl73q8PDr9JvFedgzjl3QeVCyI22eGK1fcg4-t8BQtZVWc85G8-VFl_FzcF7A4xb_Ai57rIaRGkFM-mUOh3sGFNXMgNA3a" +
            "1_QqVhcfo1q2VUQPgINxJ4k3fBhxPm3yYoyzmbMNhYzD8HHYWyg4Ce_6kNbe-K9pqMHGoiGzhEEPVBnTd0S4m-F_enFyIa3W5N681-Zy" +
            "qi23u6z0XXpLl5dAWui76KyXtIzgKw",
        bad:
            "a8WmFQk9daJ7PrBaPmdKDQx9ivcRTEtlYO3jAJShioyx_KFyrDR_sBYKl4RCQaWANdf5yU2sQClOPxTZSJnVe8arlmIJSkNbACi0xV4I" +
            "hN-6ROTCl_oYZJpB-kL3S3Y-zMr8wGymc5oetBJzE9Rp8Ph_OmmT7-DO9f6WbbEzVZ58-dThXdxHFifHuyE67Gf7A11A63bZxE7z7sE2" +
            "UIniZqzJ1Yjbzhf8l1TryLAXPveFUVAnSmXpH8N4KpXUPauFh2eoRG8tQEo2hF6r-tejh19he4rR99637ywRU5XLsoEgwXo2fNxapOQu" +
            "_na35Z-IvGwW6kmJb1T0ChDLgU3Flw"
    },
    RS384: {
        jwk: RSA,
        good:
            "LRNsVh3dnE7DIOW3XPZeffvZTs7NwZ-CMg4OdhSiyhA_BVHDRlZtf-AVlf9t6yHhHbFM-C2bl5IaW1eYPB8VNaWUySS7FbQKwIpBj9eZ" +
            "Od5Sb82IUWkIa_BwXnmajgGS0t-CKqxqM7_HwNjsQgHliX3BlUa5VE2BE2U__5EMF8TNTzuAnJe4d7IRIhg_vU8V-OuESuWip3FS3l-_" +
            "_012o6yd_pOPxxCMC_D8DmsbVhGkEQdn195P1ljYlt-RlpcGIDvu-UDnbFRx8dxFCGcKcrQhI-4Qbm7Eo7E_da4Cq30uVyZ0RYQXl8F9" +
            "we6aQaFvdwbAOHTSrPsSOhP_PJbtXw"
    },
    PS384: {
        jwk: RSA,
        good:
            "B6xTkkuHE4kwP6bZWrByJdTmeR-v7s0S7psECwCqaT5vZ3DKgzf_n9UnU8kYfFrwVvvjsi_5Rvy2NvMbCXjPzMglI84Vm9ozkcyblf31" +
            "T18t59Y2Uz-tjZNmN3H_xDV4BpZuE_tkSfBR01PP-SZHwfBwuFyq4Eoae9iZulz0wK0r7zgQSADxWje4G-Eos5omyG0MFZ4jZ6SbI1Re" +
            "273CT8mM1ORbCdNQExXNhfbr-S9qeiAaA2W8A_4HssyPYi3I9KmKV3sChYXtUiZbXFSMAenOZuxbn7F8EE_25NhGXD9-qIlr-kx7rk-u" +
            "aTRWMrz3nCra81cHXe98CAmNF9AJ2g",
        bad:
            "gPYygsMRxlATX2p3n-ZLX12E-vo60r08zzEHGhyWcWShdZm_dslDZX389THs8RgPFmJIgfNuPXi4nM-K4Pa7FYI-8XMtpmNUTkiHpkVW" +
            "lAUt0rLEDbAsL21PS9HFOxIFFZDNNwWmBe9BGA7hRIO1l279P4pd0IjjxlYK6842chqnWCzNiB31NtZoplArROPAyWVeuYndmCBPBLyZ" +
            "_nVVsLmgQzkTzjxxCBqhgfCcjkN54Hhata6X0V0yaqTvc21KqL9VuQIzJCpwmeLaEmTIJO6mEeYiMn8WVeCWitkyJIW33SJ8TaFVVq54" +
            "TGnhKTrLCdVL_ypFB_b-O7hBiOChSg"
    },
    RS512: {
        jwk: RSA,
        good:
            "G4xEgsI5TGvhrY37wRzO1zU2uw0nNPCs_4lj8Eo44Yb4Eof-jGwMFRA52miYLtm8bzTY2tIkLRFptJeeMWT2B5IdXA_txdjN-LV2G2-X" +
            "VvYe0uGNVjD7g-guInPZNkV1O2N4laALPXM_StgMmnHvZE-KXJK_WNM0Wj3r8zg4hIgdbImKhNaa61LZ-WQZXzFeyfxmvVo8TH1owGku" +
            "8hQ-U8Vhu5WdyEpOw39zoRD5xmiwx9ENIWHJPj6-PAU6U3dSQGbSWEGSQCjQgeql70_dRHNuuly7OeQRfnPowDdhDtZo_3x2UyLnz0es" +
            "7LgWixuJ1CuVAwdAugLj6YvaQ0G__w"
    },
    PS512: {
        jwk: RSA,
        good:
            "PDLGXCiUq2cET41cQ6Tb7vhZUahyNCUtNQkU3HUY3BTVvZOW5rTPesHVh-9rC6dfDx03oZqnWZRz2l7umu9xvBJus30rtf-EUnwRGWib" +
            "htW5ncpo4l6FcPrxRn-S2lFm5oR-trNfdXvKI99pR7nYQt2lb7fPGKa9c3PQQkcpcV2d9g2mUMiOqRHnp2fi_Xpc8O_Kollyvuv24Vjd" +
            "shGjhAofD8IebjTVkKnCHPzlfHb_1kw2gox236fQnV0CZ_LJZoj_KHq29-ea-_1F4czrKQIqHa1o30qPHUZCKxTfTJz0OZYLdWODNt_F" +
            "DHex3QNUDvbMB1AeAvOcl2I-HSqsSg",
        bad:
            "IriYRpWkqS8g6xIc6gA-9JyGoCkV_i4swLtqJTmyVvmj617TfwoQ7MnWZ17qp5cL1QAvJKWYN7Mk0AN9TknpeExXw2jfBRHkgYiHJogv" +
            "opotySnVFtHr0vfFYHMVYyXfw7kWw88YJ2SHQiwmKjjcC1EK_tP-1ThuMj_XPyhUqvNkoJ87R4nM6ueViH8ieMr7uv6x8ROtCe2f5G4L" +
            "4cLisdMmdL51WMKNMnBssi_22v1_eHJR5jtL2GIHu1J6fAW03Zj8Fo_yEpD0VASKOwM6yi5vo-6APScpLoAYcghGsGd2V4AvQBDJltUb" +
            "XGnbsdaqvNeXYeU4vqbJzAgs5clg8g"
    },
    ES256: {
        jwk: P_256,
        good: "ttCUav0Lpoc5yt9bQGs-2sy__MovraROUWQApobhIw2aLpGDS_MUKMLiLo3dSMr0f6_6Vj9ljtsUHWQARbpBCQ"
    },
    ES384: {
        jwk: P_384,
        good:
            "2lfcQB0CYQDsb-Yb_6daPXtUGELtaxLf29qmrvl3piOdQE0u6L5-EKp_k5RCFkAnJRKAGxlLIrbEpZlS5JZQxAyIS4Q2_iJYrZ7yqxlt" +
            "DR-JMVCyiYLAne6T_LK7hqKE"
    },
    ES512: {
        jwk: P_521,
        good:
            "ASfrAaNtpxjtziL-Pu7ZzlIZOgHsGlHzerLpssIiQsU78lUzHBF7QgosdK6hrO9nXp97EzOsweRW8XVtGTpagMoIAS6PFwVRM3apsnoe" +
            "mabWvs18cISwg4_0gM705qZGfL7Y2TlsCtxUcB75hD003qkojY2YTw279v477DVYmcz-stcQ"
    },
    EdDSA: {
        jwk: ED25519,
        good: "kR35-SYtjolzO_US2xmo0svDh_QJAYKaDrANsv_2Pn4oNHCTf_1lEWYwNxA0XouIgIvRQiXCaLsIcHQUGhedBw"
    }
};
