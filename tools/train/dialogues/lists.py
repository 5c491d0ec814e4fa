"""Everyday names and things that dialogues are filled with."""


def table(text):
    """Lines of fields apart by |."""
    return [[field.strip() for field in line.split("|")] for line in text.strip().splitlines() if line.strip()]


GIRLS = """Anna Maria Lucy Emma Nina Clara Julia Laura Sarah Lena Mia Zoe Ella Ruth Alice Helen Rosa Fatima Aisha Priya Mei Yuki
Ingrid Olga Carmen Lucia Elena Martha Grace Hannah Leila Amina Ivy Kate Jane Susan Linda Betty Nora Eva Ida Tara Wendy Paula Greta
Sonia Vera Zara Daisy Megan Rachel Diana Joy Holly Lily Freya Astrid Chiara Camille Naomi Esther Judith Miriam Olivia Amelia Chloe
Isla Ada Edith Flora Hazel Iris June Kim Lara Mona Nadia Petra Rita Stella Tina Ursula Yasmin Abby Bella Cora Dora Elsa
Adele Agnes Alma Amara Angela Anita Beatrice Bianca Bridget Carla Catherine Celia Charlotte Christina Daniela Daphne Deborah Delia Dina Doris
Eliza Elisa Ellen Emily Erika Eve Fay Felicity Fiona Frances Gemma Georgia Gina Gloria Gudrun Gwen Heidi Helga Ines Irene Isabel Jana
Jasmine Jenny Jessica Joan Johanna Julie Karen Karin Katya Keiko Kirsten Layla Leonie Linnea Lisa Lorna Louise Luna Lydia Mabel Madeleine Malala Marcela
Margaret Marie Marina Marta Matilda Maya Melanie Mila Millie Minna Molly Monica Nancy Natasha Nell Nicole Noor Odette Orla Pamela Patricia Pearl
Phoebe Polly Priscilla Rania Rebecca Renata Robin Rosalind Rosie Roxana Sabine Sally Salma Samira Selma Sheila Sigrid Simone Sita Sophie Sunita Svetlana
Sylvia Tamar Tanya Thea Theresa Trudy Valeria Valerie Vanessa Veronica Violet Viola Winnie Xenia Yoko Yvonne Zainab Zelda""".split()
BOYS = """Tom Ben Jack Paul Peter Max Leo Sam David Daniel Adam Omar Ali Hassan Ravi Arjun Kenji Wei Lars Erik Ivan Boris Pablo Diego
Luis Marco Luca Pierre Hugo Felix Oscar Noah Liam Ethan Henry George Oliver Harry Charlie James Robert John Mark Luke Simon Andrew
Kevin Brian Alan Frank Fred Carl Otto Emil Anton Victor Jonas Martin Stefan Tim Toby Nick Rob Jim Bill Joe Dan Matt Chris Steve Greg
Karim Yusuf Tariq Samuel Isaac Jacob Aaron Gabriel Rafael Mateo Hiro Kwame Kofi Tunde Sven Nils Patrick Sean Dylan Owen Rhys Callum
Abdul Albert Alex Alfred Amir Andre Angus Anil Archie Arnold Arthur Axel Benjamin Bernard Björn Bruno Caleb Cedric Clive Colin Conor Craig Cyril Dario
Dennis Derek Dieter Dimitri Dominic Donald Douglas Edgar Edward Edwin Elias Elliot Emilio Enrico Enzo Ernest Ewan Fabian Farid Fergus Finn Florian Francis
Gareth Gavin Geoffrey Gerald Gilbert Giovanni Glen Gordon Graham Gregor Gustav Hamza Hans Harold Hector Herbert Horace Howard Hubert Ian Ibrahim Igor
Ismail Jamal Jan Jason Javier Jean Jerome Jesse Joel Johan Jorge Joseph Josh Juan Julian Jürgen Keith Kenneth Klaus Kurt Lawrence Leonard Leon Lewis Linus
Lloyd Lorenzo Louis Magnus Malcolm Marcel Marcus Mario Marvin Maurice Michael Miguel Mohammed Morgan Nathan Neil Nicholas Nigel Norman Olaf Orlando
Otis Pascal Pedro Percy Philip Quentin Ralph Ramon Raymond Reza Ricardo Richard Roger Roland Ronan Rory Ross Rudi Rupert Ryan Salim Sanjay Scott Sergio
Seth Silas Stanley Stephen Stuart Sunil Takeshi Terence Theo Thomas Timothy Tobias Tony Travis Trevor Tyler Umar Vikram Vincent Walter Warren Wayne Wilfred
William Winston Yannick Zachary""".split()
NAMES = GIRLS + BOYS
SURNAMES = """Smith Jones Brown Miller Baker Cooper Green Hill Wood Clark Lopez Garcia Silva Costa Rossi Novak Kim Park Tanaka Chen Wang
Singh Patel Khan Ahmed Hansen Larsen Berg Meyer Weber Fischer Dubois Moreau Martin Petrov Kowalski Murphy Kelly Walsh Evans Hughes
Turner Parker Collins Stewart Morris Rogers Reed Cook Bell Ward Gray Watson Brooks Bennett Hayes Foster Ross Adams Nelson Carter
Abbott Allen Archer Atkins Bailey Barker Barnes Barton Baxter Becker Bishop Blake Bowen Boyd Bradley Burke Burton Butler Byrne Campbell Chandler Chapman
Craven Crawford Cruz Dalton Davies Dawson Dixon Doyle Duncan Eriksson Farrell Ferrari Fleming Fletcher Flores Fraser Gibson Gomez Grant Griffin Haas
Hamilton Harper Harrison Hartley Hoffmann Holland Horvath Howard Hudson Ibrahim Ito Jansen Jenkins Johansson Kaur Keller Kennedy Klein Kovacs Lambert Lane
Lawson Lindgren Lindqvist Logan Lowe Lund Maclean Marino Marsh Mason Mendes Moser Moss Murray Nakamura Newton Nguyen Nielsen Norris Okafor Oliveira Osborne
Palmer Pearce Perez Perry Popov Porter Powell Quinn Ramos Reilly Richter Romano Rowe Russell Sanders Sato Schmidt Shaw Simmons Sorensen Spencer Steiner
Stone Sutton Suzuki Tran Tucker Vargas Vogel Wagner Walker Webb West Whitaker Winter Wright Yamada Yilmaz Young Zimmer""".split()
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
spoon|spoons
fork|forks
towel|towels
pillow|pillows
blanket|blankets
mirror|mirrors
umbrella|umbrellas
basket|baskets
bucket|buckets
rope|ropes
ladder|ladders
hammer|hammers
nail|nails
screw|screws
brush|brushes
comb|combs
ring|rings
scarf|scarves
glove|gloves
boot|boots
belt|belts
coat|coats
jar|jars
lamp|lamps
clock|clocks
vase|vases
kite|kites
drum|drums
flute|flutes
whistle|whistles
feather|feathers
pebble|pebbles
acorn|acorns
pine cone|pine cones
melon|melons
kiwi|kiwis
fig|figs
grape|grapes
radish|radishes
pumpkin|pumpkins
cucumber|cucumbers
pepper|peppers
loaf|loaves
roll|rolls
pie|pies
waffle|waffles
lollipop|lollipops
jelly bean|jelly beans
goat|goats
pig|pigs
horse|horses
goose|geese
rabbit|rabbits
frog|frogs
snail|snails
beetle|beetles
butterfly|butterflies
domino|dominoes
poster|posters
map|maps
stool|stools
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
Bandit Barney Benji Blackie Bonnie Bubbles Bounty Caramel Chester Chico Cinnamon Clover Comet Cricket Cuddles Dash Dino Domino Dusty Ember Fable Fidget
Figaro Flash Frisky Fudge Gizmo Goldie Gulliver Hobbit Inky Jinx Juno Kira Koda Leo Loki Lulu Marbles Merlin Minty Mittens Mocha Moose Muffin Nibbles Nugget
Oreo Otis Panda Paprika Pebbles Pepsi Percy Pogo Popcorn Prince Puck Quincy Raisin Raven Rolo Salty Scout Scruffy Skipper Spike Splash Sprout Stitch Sugar
Tango Taffy Thunder Tinker Truffle Turbo Twiggy Velvet Whisper Widget Winston Yoda Yoyo Zeus Zorro
Cloud Star Storm Pirate Pudding Noodle Cocoa Maple Pixel Rusty Sandy Whiskers Jasper Felix Archie Teddy Honey Willow Kiwi Jelly""".split()
CITIES = """London Paris Berlin Madrid Rome Lisbon Vienna Prague Warsaw Dublin Oslo Stockholm Helsinki Athens Budapest Zurich Geneva Munich
Hamburg Milan Naples Venice Barcelona Seville Porto Lyon Nice Brussels Amsterdam Rotterdam Copenhagen Edinburgh Glasgow Manchester Leeds
Bristol York Cork Boston Chicago Denver Seattle Dallas Houston Miami Toronto Montreal Vancouver Mexico-City Lima Bogota Santiago
Buenos-Aires Cairo Nairobi Lagos Accra Casablanca Tunis Istanbul Ankara Dubai Mumbai Delhi Bangkok Hanoi Manila Jakarta Seoul Tokyo Osaka
Kyoto Sydney Melbourne Perth Auckland Wellington Aberdeen Adelaide Aleppo Algiers Almaty Antwerp Arhus Baku Bari Basel Bath Beirut Belfast Bergen
Bern Bilbao Bologna Bordeaux Bratislava Bremen Brisbane Bucharest Calgary Cardiff Chester Cologne Cordoba Corfu Cusco Dakar Dresden Durban Exeter Florence
Frankfurt Genoa Ghent Granada Graz Halifax Havana Hobart Innsbruck Izmir Jaipur Kampala Kathmandu Kingston Krakow Kumasi Lahore Lausanne Leipzig Lille Linz
Liverpool Ljubljana Lucerne Malaga Malmo Marseille Medellin Memphis Mombasa Montevideo Nagoya Nantes Nashville Newcastle Norwich Nottingham Odense Oxford Palermo
Philadelphia Phoenix Pisa Plymouth Portland Pune Quebec Quito Reykjavik Riga Rosario Salzburg Santander Sapporo Sarajevo Sheffield Sofia Split Stavanger Strasbourg
Stuttgart Swansea Tallinn Tampere Tbilisi Toledo Toulouse Tromso Turin Turku Utrecht Valencia Valletta Verona Vilnius Winnipeg Zagreb""".replace("\n", " ").split()
CITIES = [city.replace("-", " ") for city in CITIES]
FOODS = """pizza pasta sushi soup salad curry pancakes rice bread cheese chocolate strawberries mangoes ice-cream lasagne tacos dumplings
noodles porridge waffles cherries grapes apple-pie fish-and-chips carrot-cake lentil-soup roast-potatoes pumpkin-soup blueberries
honey olives yoghurt popcorn bean-stew beef-stew cauliflower cheesecake chicken-soup chilli cornbread couscous falafel fish-soup fried-rice goulash hummus lemon-cake meatballs mushroom-soup muesli mushrooms nut-cake omelette onion-soup paella pea-soup peaches peanut-butter pears plum-cake potato-salad ravioli risotto salmon scrambled-eggs spinach stuffed-peppers toast tomato-soup tofu trout turkey vegetable-stew watermelon""".split()
FOODS = [food.replace("-", " ") for food in FOODS]
DRINKS = ["tea", "coffee", "milk", "water", "orange juice", "apple juice", "lemonade", "hot chocolate", "green tea", "mint tea"]
SHOP = """milk bread eggs butter cheese apples bananas rice pasta tomatoes onions potatoes carrots sugar flour salt coffee tea honey jam
yoghurt chicken fish beans lemons oranges grapes soap toothpaste shampoo batteries candles paper pens flowers cereal juice water olives
garlic cucumbers mushrooms pepper oil vinegar chocolate nuts biscuits almonds bacon basil broccoli cabbage cheesecake cinnamon cocoa corn cream dates envelopes figs ham ketchup leeks lentils lettuce light-bulbs margarine matches melons mustard napkins oats parsley peas peaches pears pineapple plums raisins sausages spinach sponges stamps string sunscreen tape tissues tofu tuna washing-powder yeast""".split()
SHOP = [thing.replace("-", " ") for thing in SHOP]
JOBS = """teacher nurse doctor baker farmer pilot driver painter gardener cook carpenter plumber electrician engineer lawyer librarian
dentist vet musician actor writer tailor waiter firefighter police-officer postman shop-assistant photographer builder mechanic
hairdresser programmer architect chemist sailor journalist accountant banker barber beekeeper bricklayer bus-driver butcher carer cashier cleaner coach conductor dancer designer detective diver editor fisherman florist forester glazier goldsmith guard guide judge lifeguard locksmith midwife miner optician physicist plasterer poet potter priest roofer secretary shepherd shoemaker singer soldier statistician surgeon taxi-driver tiler translator undertaker watchmaker weaver welder zookeeper""".split()
JOBS = [job.replace("-", " ") for job in JOBS]
HOBBIES = """painting swimming chess gardening cooking reading dancing hiking fishing knitting cycling running singing photography skating
climbing sailing baking pottery tennis football drawing yoga birdwatching surfing skiing archery bowling camping canoeing carving collecting-stamps crochet diving embroidery fencing golf jogging juggling origami rowing sculpting sewing sledging stargazing weaving woodwork writing-poems""".split()
HOBBIES = [hobby.replace("-", " ") for hobby in HOBBIES]
INSTRUMENTS = ["piano", "guitar", "violin", "flute", "drums", "trumpet", "cello", "harp", "clarinet", "accordion", "oboe", "saxophone", "trombone", "banjo", "mandolin", "recorder", "organ", "ukulele", "viola", "double bass", "bassoon", "horn"]
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
         "on the piano", "behind the clock", "in the shoe box", "under the stairs", "in the sugar bowl", "on the top shelf", "beside the radio", "behind the mirror", "in the garden shed", "on the coat hook", "in the lower drawer", "under the flower pot", "in the biscuit tin", "on the writing desk", "in my rucksack", "in the glove box", "behind the books", "under the blanket", "in the laundry basket", "next to the kettle", "on the windowsill of the hall", "in the yellow folder", "between two cushions", "in my sports bag", "in the bread box", "on the stove", "in the left pocket of my jacket", "on the bench outside", "in the letter box", "under the newspaper",
         "on the window sill", "in the cellar", "under the pillow", "in the kitchen cupboard", "in the wardrobe", "by the front door"]
KEPT = ["keys", "passport", "glasses", "phone", "wallet", "umbrella", "ticket", "charger", "gloves", "ring", "diary", "camera", "remote control",
        "scissors", "torch", "spare key", "library card", "medicine"]
SINGULAR_KEPT = {"passport", "phone", "wallet", "umbrella", "ticket", "charger", "ring", "diary", "camera", "remote control", "torch", "spare key",
                 "library card", "medicine"}
SUBJECTS_OF_TALK = ["music", "the sea", "trains", "birds", "space", "cooking", "football", "old films", "gardens", "dogs", "maps", "bread"]
