// What the wallet of the tests puts into a page; `accountForTests` and `signForTests` are outside of it (wallet.ts).

window.injectedWeb3 = {
  "polkadot-js": {
    version: "0.63.1",
    enable: async () => {
      const accounts = [await window.accountForTests()];
      return {
        accounts: {
          get: async () => accounts,
          subscribe: (take) => {
            take(accounts);
            return () => undefined;
          },
        },
        signer: {
          signPayload: async (payload) => {
            const answer = await window.signForTests(payload);
            if (answer.error) throw new Error(answer.error);
            return { id: 1, ...answer };
          },
          signRaw: async () => {
            throw new Error("nothing here signs raw bytes");
          },
        },
      };
    },
  },
};
