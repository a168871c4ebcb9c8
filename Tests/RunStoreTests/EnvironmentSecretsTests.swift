import HindsightCore
import Testing

@testable import RunStore

@Suite struct EnvironmentSecretsTests {
    @Test(arguments: [
        "HF_TOKEN", "WANDB_API_KEY", "aws_secret_access_key", "DB_PASSWORD", "PGPASSWORD", "GIT_CREDENTIALS",
        "GITHUB_PAT", "OPENAI_APIKEY", "CLIENT_SECRET", "AZURE_CREDENTIAL",
    ])
    func secretsAreFound(name: String) { #expect(EnvironmentSecrets.isSecret(name: name)) }

    @Test(arguments: [
        "TOKENIZERS_PARALLELISM", "KEYBOARD_LAYOUT", "PWD", "PATH", "MAX_TOKENS", "MONKEY", "PATTERN",
        "CUDA_VISIBLE_DEVICES", "SECRETARY",
    ])
    func othersStay(name: String) { #expect(!EnvironmentSecrets.isSecret(name: name)) }

    @Test func passwordsInAddressesAreFound() {
        #expect(EnvironmentSecrets.holdsPassword(value: "postgres://me:pw@host/db"))
        #expect(!EnvironmentSecrets.holdsPassword(value: "https://host:8080/a@b"))
        #expect(!EnvironmentSecrets.holdsPassword(value: "me:pw@host"))
    }

    @Test func theirNamesAreStoredAndTheirValuesAreNot() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer(environment: ["HF_TOKEN": "hush", "OMP_NUM_THREADS": "2"])
        #expect(try scratch.store.runs()[0].environment == ["OMP_NUM_THREADS": "2"])
        #expect(try scratch.store.details(of: writer.run).withheld == ["HF_TOKEN"])
        writer.set(Fingerprint(["env.TORCH_API_KEY": .string("hush"), "env.OMP_NUM_THREADS": .string("2")]))
        try writer.flush()
        #expect(try scratch.store.runs()[0].fingerprint.facts == ["env.OMP_NUM_THREADS": .string("2")])
    }
}
