"""Everyday names and things that dialogues are filled with."""


def table(text):
    """Lines of fields apart by |."""
    return [[field.strip() for field in line.split("|")] for line in text.strip().splitlines() if line.strip()]


GIRLS = """Anna Maria Lucy Emma Sofia Nina Clara Julia Laura Sarah Lena Mia Zoe Ella Ruth Alice Helen Rosa Fatima Aisha Priya Mei Yuki
Ingrid Olga Carmen Lucia Elena Martha Grace Hannah Leila Amina Ivy Kate Jane Susan Linda Betty Nora Eva Ida Tara Wendy Paula Greta
Sonia Vera Zara Daisy Megan Rachel Diana Joy Holly Lily Freya Astrid Chiara Camille Naomi Esther Judith Miriam Olivia Amelia Chloe
Isla Ada Edith Flora Hazel Iris June Kim Lara Mona Nadia Petra Rita Stella Tina Ursula Yasmin Abby Bella Cora Dora Elsa""".split()
BOYS = """Tom Ben Jack Paul Peter Max Leo Sam David Daniel Adam Omar Ali Hassan Ravi Arjun Kenji Wei Lars Erik Ivan Boris Pablo Diego
Luis Marco Luca Pierre Hugo Felix Oscar Noah Liam Ethan Henry George Oliver Harry Charlie James Robert John Mark Luke Simon Andrew
Kevin Brian Alan Frank Fred Carl Otto Emil Anton Victor Jonas Martin Stefan Tim Toby Nick Rob Jim Bill Joe Dan Matt Chris Steve Greg
Karim Yusuf Tariq Samuel Isaac Jacob Aaron Gabriel Rafael Mateo Hiro Kwame Kofi Tunde Sven Nils Patrick Sean Dylan Owen Rhys Callum""".split()
NAMES = GIRLS + BOYS
SURNAMES = """Smith Jones Brown Miller Baker Cooper Green Hill Wood Clark Lopez Garcia Silva Costa Rossi Novak Kim Park Tanaka Chen Wang
Singh Patel Khan Ahmed Hansen Larsen Berg Meyer Weber Fischer Dubois Moreau Martin Petrov Kowalski Murphy Kelly Walsh Evans Hughes
Turner Parker Collins Stewart Morris Rogers Reed Cook Bell Ward Gray Watson Brooks Bennett Hayes Foster Ross Adams Nelson Carter""".split()
THINGS = table("""apple|apples
pear|pears
orange|oranges
banana|bananas
egg|eggs
book|books
pen|pens
pencil|pencils
coin|coins
stamp|stamps
marble|marbles
sticker|stickers
shell|shells
button|buttons
cookie|cookies
candle|candles
flower|flowers
rose|roses
ball|balls
card|cards
toy car|toy cars
balloon|balloons
bottle|bottles
cup|cups
plate|plates
chair|chairs
lemon|lemons
tomato|tomatoes
potato|potatoes
carrot|carrots
nut|nuts
plum|plums
peach|peaches
cherry|cherries
muffin|muffins
pancake|pancakes
sandwich|sandwiches
ticket|tickets
letter|letters
stone|stones
leaf|leaves
bead|beads
crayon|crayons
doll|dolls
hat|hats
sock|socks
shirt|shirts
key|keys
photo|photos
biscuit|biscuits
chocolate|chocolates
sweet|sweets
doughnut|doughnuts
tulip|tulips
brick|bricks
box|boxes
bag|bags
fish|fish
duck|ducks
sheep|sheep
hen|hens
cow|cows
seed|seeds
mushroom|mushrooms
onion|onions
magnet|magnets
puzzle|puzzles
medal|medals
postcard|postcards
notebook|notebooks""")
COLOURS = "red blue green yellow orange purple pink brown black white grey turquoise violet gold silver beige".split()
PETS = "dog cat rabbit hamster parrot goldfish pony tortoise canary mouse snake lizard donkey goat duck guinea-pig".replace("-", " ").split()
PETS = ["dog", "cat", "rabbit", "hamster", "parrot", "goldfish", "pony", "tortoise", "canary", "mouse", "lizard", "goat", "guinea pig",
        "budgie", "puppy", "kitten", "horse", "ferret", "turtle", "chicken"]
PET_NAMES = """Rex Bella Luna Max Milo Coco Rocky Daisy Simba Nala Oscar Charlie Fluffy Shadow Biscuit Pepper Ginger Snowy Bruno Molly Lucky
Buddy Tiger Smoky Cookie Peanut Pickles Mango Ziggy Toffee Waffles Socks Patch Bingo Casper Nemo Dexter Olive Poppy Sunny Pip Hazel
Cloud Star Storm Pirate Pudding Noodle Cocoa Maple Pixel Rusty Sandy Whiskers Jasper Felix Archie Teddy Honey Willow Kiwi Jelly""".split()
CITIES = """London Paris Berlin Madrid Rome Lisbon Vienna Prague Warsaw Dublin Oslo Stockholm Helsinki Athens Budapest Zurich Geneva Munich
Hamburg Milan Naples Venice Barcelona Seville Porto Lyon Nice Brussels Amsterdam Rotterdam Copenhagen Edinburgh Glasgow Manchester Leeds
Bristol York Cork Boston Chicago Denver Seattle Dallas Houston Miami Toronto Montreal Vancouver Mexico-City Lima Bogota Santiago
Buenos-Aires Cairo Nairobi Lagos Accra Casablanca Tunis Istanbul Ankara Dubai Mumbai Delhi Bangkok Hanoi Manila Jakarta Seoul Tokyo Osaka
Kyoto Sydney Melbourne Perth Auckland Wellington""".replace("\n", " ").split()
CITIES = [city.replace("-", " ") for city in CITIES]
FOODS = """pizza pasta sushi soup salad curry pancakes rice bread cheese chocolate strawberries mangoes ice-cream lasagne tacos dumplings
noodles porridge waffles cherries grapes apple-pie fish-and-chips carrot-cake lentil-soup roast-potatoes pumpkin-soup blueberries
honey olives yoghurt popcorn""".split()
FOODS = [food.replace("-", " ") for food in FOODS]
DRINKS = ["tea", "coffee", "milk", "water", "orange juice", "apple juice", "lemonade", "hot chocolate", "green tea", "mint tea"]
SHOP = """milk bread eggs butter cheese apples bananas rice pasta tomatoes onions potatoes carrots sugar flour salt coffee tea honey jam
yoghurt chicken fish beans lemons oranges grapes soap toothpaste shampoo batteries candles paper pens flowers cereal juice water olives
garlic cucumbers mushrooms pepper oil vinegar chocolate nuts biscuits""".split()
JOBS = """teacher nurse doctor baker farmer pilot driver painter gardener cook carpenter plumber electrician engineer lawyer librarian
dentist vet musician actor writer tailor waiter firefighter police-officer postman shop-assistant photographer builder mechanic
hairdresser programmer architect chemist sailor journalist""".split()
JOBS = [job.replace("-", " ") for job in JOBS]
HOBBIES = """painting swimming chess gardening cooking reading dancing hiking fishing knitting cycling running singing photography skating
climbing sailing baking pottery tennis football drawing yoga birdwatching surfing skiing""".split()
INSTRUMENTS = ["piano", "guitar", "violin", "flute", "drums", "trumpet", "cello", "harp", "clarinet", "accordion"]
SPORTS = ["football", "tennis", "basketball", "swimming", "volleyball", "hockey", "rugby", "cricket", "golf", "badminton", "table tennis", "judo"]
SUBJECTS = ["maths", "history", "biology", "music", "art", "geography", "chemistry", "physics", "English", "French", "Spanish", "sport"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
SEASONS = ["spring", "summer", "autumn", "winter"]
RELATIVES = ["brother", "sister", "mother", "father", "grandmother", "grandfather", "aunt", "uncle", "cousin", "best friend", "neighbour",
             "boss", "teacher", "daughter", "son", "wife", "husband", "flatmate"]
HER = {"sister", "mother", "grandmother", "aunt", "daughter", "wife"}
HIS = {"brother", "father", "grandfather", "uncle", "son", "husband"}
PLACES = ["kitchen", "garden", "garage", "bedroom", "cellar", "attic", "bathroom", "living room", "hall", "office", "shed"]
SPOTS = ["under the bed", "on the shelf", "in the drawer", "behind the door", "on the kitchen table", "in the blue box", "under the mat",
         "in my coat pocket", "on top of the fridge", "in the car", "next to the lamp", "in the red bag", "behind the sofa", "in the desk",
         "on the window sill", "in the cellar", "under the pillow", "in the kitchen cupboard", "in the wardrobe", "by the front door"]
KEPT = ["keys", "passport", "glasses", "phone", "wallet", "umbrella", "ticket", "charger", "gloves", "ring", "diary", "camera", "remote control",
        "scissors", "torch", "spare key", "library card", "medicine"]
SINGULAR_KEPT = {"passport", "phone", "wallet", "umbrella", "ticket", "charger", "ring", "diary", "camera", "remote control", "torch", "spare key",
                 "library card", "medicine"}
SUBJECTS_OF_TALK = ["music", "the sea", "trains", "birds", "space", "cooking", "football", "old films", "gardens", "dogs", "maps", "bread"]
