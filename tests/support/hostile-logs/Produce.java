// Producers of Kafka's own Java client, driven by JSON lines on stdin and answering each with a line on stdout: "ok" or why not.
// Started from its source (`java -cp <broker's jars> Produce.java <brokers>`); one thread, commands in order.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Produce {
  private static final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();

  private static Admin admin = null;

  public static void main(String[] words) throws Exception {
    ObjectMapper json = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer = "ok";
      try {
        run(words[0], json.readTree(line));
      } catch (Exception error) {
        answer = String.valueOf(error).replace('\n', ' ');
      }
      System.out.println(answer);
      System.out.flush();
    }
    // No close: that would abort what is to stay open.
    System.exit(0);
  }

  private static void run(String brokers, JsonNode command) throws Exception {
    String id = command.get("id").asText();
    KafkaProducer<byte[], byte[]> producer = producers.get(id);
    switch (command.get("op").asText()) {
      case "open" -> producers.put(id, open(brokers, command));
      case "send" -> send(producer, command);
      case "begin" -> producer.beginTransaction();
      case "commit" -> producer.commitTransaction();
      case "abort" -> producer.abortTransaction();
      case "settle" -> settle(brokers, command.get("transactionalId").asText());
      default -> throw new IllegalArgumentException("unknown command");
    }
  }

  private static KafkaProducer<byte[], byte[]> open(String brokers, JsonNode command) {
    Properties config = new Properties();
    config.put("bootstrap.servers", brokers);
    config.put("compression.type", command.get("codec").asText());
    config.put("enable.idempotence", command.get("idempotent").asText());
    // One send is one record batch per partition: nothing leaves before the flush.
    config.put("linger.ms", "60000");
    config.put("batch.size", "4000000");
    config.put("max.request.size", "8000000");
    JsonNode transactional = command.get("transactionalId");
    if (!transactional.isNull()) {
      config.put("transactional.id", transactional.asText());
      config.put("transaction.timeout.ms", "900000");
    }
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    if (!transactional.isNull()) producer.initTransactions();
    return producer;
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, JsonNode command) throws Exception {
    List<Future<?>> sent = new ArrayList<>();
    for (JsonNode record : command.get("records")) {
      List<Header> headers = new ArrayList<>();
      for (JsonNode header : record.get("headers")) headers.add(new RecordHeader(header.get(0).asText(), bytes(header.get(1))));
      sent.add(producer.send(new ProducerRecord<>(
          command.get("topic").asText(), command.get("partition").asInt(), record.get("timestamp").asLong(),
          bytes(record.get("key")), bytes(record.get("value")), headers)));
    }
    producer.flush();
    for (Future<?> each : sent) each.get();
  }

  /** Until the markers of the last transaction are in the log: a producer is answered before they are. */
  private static void settle(String brokers, String id) throws Exception {
    if (admin == null) admin = Admin.create(Map.of("bootstrap.servers", brokers));
    for (;;) {
      TransactionState state = admin.describeTransactions(List.of(id)).description(id).get().state();
      if (state == TransactionState.COMPLETE_COMMIT || state == TransactionState.COMPLETE_ABORT) return;
      Thread.sleep(5);
    }
  }

  private static byte[] bytes(JsonNode text) throws Exception {
    return text.isNull() ? null : text.binaryValue();
  }
}
